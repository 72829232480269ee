"""Inner structure: whether pictures of `scenes` show windows, doors and wheels where the drawer puts them in a box."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from semsynth.data.scenes.parts import PARTS, REST
from semsynth.metrics.confusion import class_iou, confusion_matrix
from semsynth.metrics.pixels import eight_bits
from semsynth.segmenters.judge import Judge, load_judge

SHIPPED = Path(__file__).parent / "weights" / "scenes_parts.safetensors"


@cache
def part_finder() -> Judge:
    """The network that finds parts in pictures of 64x64; it sees a neighbourhood of each pixel, and no label map."""
    return load_judge(SHIPPED)


@torch.no_grad()
def part_iou(batches: Iterable[tuple[Tensor, Tensor]], finder: Judge | None = None) -> dict[str, float]:
    """IoU of the parts found in pictures with those that the drawer put there, and their mean.

    A label map tells only that there is a building; its windows stand at known places of the building's box. A
    generator that knows its place in the box can draw them there.

    Args:
        batches: Pictures (N,3,H,W) in [-1,1], with parts (N,H,W) int64 of `PARTS`.
        finder: Network of the parts; None: the shipped one.

    Returns:
        `window`, `door`, `wheel`, `pane` and `mean`, each in [0,1]; without parts that occur nowhere.
    """
    finder = finder or part_finder()
    matrix = torch.zeros(len(PARTS), len(PARTS), dtype=torch.int64)
    for images, parts in batches:
        found = finder.logits(eight_bits(images), parts.shape[-2:]).argmax(1).cpu()
        matrix += confusion_matrix(found, parts, len(PARTS))
    iou = {name: float(value) for index, (name, value) in enumerate(zip(PARTS, class_iou(matrix), strict=True))
           if index != REST and matrix[index].sum() > 0}
    return iou | ({"mean": sum(iou.values()) / len(iou)} if iou else {})


def flattened(image: Tensor, instances: Tensor) -> Tensor:
    """A picture (3,H,W) whose objects (instances (H,W) int64) are each of one colour: no inner structure is left."""
    _, numbers = instances.flatten().unique(return_inverse=True)
    flat = image.flatten(1)
    sums = torch.zeros(3, int(numbers.max()) + 1).index_add_(1, numbers, flat)
    return (sums / numbers.bincount())[:, numbers].reshape(image.shape)
