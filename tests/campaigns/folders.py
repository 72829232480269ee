"""A small data set of files, to be damaged."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

CLASSES = [{"name": "sky", "colour": [70, 130, 180]}, {"name": "road", "colour": [128, 64, 128]},
           {"name": "car", "colour": [0, 0, 142]}]
SIZE = (40, 48)  # H, W


def labels(index: int = 0) -> np.ndarray:
    """A label map (H, W) of all classes."""
    made = np.zeros(SIZE, np.uint8)
    made[SIZE[0] // 2:] = 1
    made[5:20, 5 + index:25 + index] = 2
    return made


def photograph(index: int = 0) -> np.ndarray:
    """A picture (H, W, 3) in uint8 that belongs to it."""
    noise = np.random.default_rng(index).integers(0, 20, SIZE)
    return np.stack([labels(index) * 100 + 20, 200 - labels(index) * 60, labels(index) * 30 + noise], -1).astype("u1")


def make_folder(root: Path, count: int = 4) -> Path:
    """A data set for `dataset=folder`, with `count` pairs in each split."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for index in range(count):
            Image.fromarray(photograph(index)).save(root / split / "images" / f"{index:03d}.png")
            Image.fromarray(labels(index)).save(root / split / "labels" / f"{index:03d}.png")
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": CLASSES}))
    return root
