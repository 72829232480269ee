"""Label maps to measure on: real ones where SEMSYNTH_DATA has them, scenes otherwise, and the worst cases."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semsynth.data.scenes.dataset import Scenes
from semsynth.semantics.patches import Patches

COCO_CLASSES = 183


def median_map(size: int, count: int) -> tuple[Tensor, int, str]:
    """``count`` label maps (count,size,size) around the one of median variety, their classes, and what they are."""
    folder = Path(os.environ.get("SEMSYNTH_DATA", "")) / "coco_stuff"
    files = sorted(folder.glob("*_label/*.png"))
    if not files:
        scenes = Scenes(count, size=size)
        return torch.stack([torch.as_tensor(scenes[i]["labels"]).long() for i in range(count)]), 12, "scenes"
    maps = []
    for file in files:
        with Image.open(file) as picture:
            labels = np.array(picture.resize((size, size), Image.Resampling.NEAREST)).astype(np.int64)
        maps.append(torch.from_numpy(np.where(labels == 255, COCO_CLASSES - 1, labels)))
    maps.sort(key=_variety)
    middle = len(maps) // 2
    chosen = [maps[(middle + i) % len(maps)] for i in range(count)]
    return torch.stack(chosen), COCO_CLASSES, "COCO-Stuff"


def _variety(labels: Tensor) -> int:
    patches = Patches.of(labels[None], COCO_CLASSES, backward=False)
    return labels.numel() if patches is None else len(patches.lookup)


def noise(size: int, count: int, classes: int) -> Tensor:
    """A class drawn for each pixel: patches never repeat, the worst case."""
    return torch.randint(0, classes, (count, size, size), generator=torch.Generator().manual_seed(0))


def checkerboard(size: int, count: int) -> Tensor:
    """Two classes in turn."""
    return ((torch.arange(size)[:, None] + torch.arange(size)) % 2).expand(count, size, size).contiguous()
