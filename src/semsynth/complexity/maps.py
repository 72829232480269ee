"""Label maps without a data set, on which time and memory are measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from semsynth.chance import stream
from semsynth.semantics import Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.samples import SampleBatch

Kind = Literal["regions", "random"]
REGIONS = 24  # in a map, of half as many classes: about what a photograph of ADE20K or COCO-Stuff shows


def region_map(size: tuple[int, int], num_classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and region ids, each (H,W) int64: ragged regions of few classes, as in an annotated photograph.

    Every pixel belongs to the nearest of ``REGIONS`` points, as seen through a smooth distortion.
    """
    h, w = size
    points = rng.random((REGIONS, 2))
    classes = rng.choice(num_classes, max(1, min(num_classes, REGIONS // 2)), replace=False)
    rows, columns = np.meshgrid((np.arange(h) + 0.5) / h, (np.arange(w) + 0.5) / w, indexing="ij")
    for waves in (3, 9, 27):
        y, x = rows, columns
        a, b, c, d = rng.random(4) * 2 * np.pi
        rows = y + 0.12 / waves * np.sin(2 * np.pi * waves * x + a) * np.cos(2 * np.pi * waves * y + b)
        columns = x + 0.12 / waves * np.sin(2 * np.pi * waves * y + c) * np.cos(2 * np.pi * waves * x + d)
    distance = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    regions = distance.argmin(-1)
    return classes[rng.integers(len(classes), size=REGIONS)][regions], regions


def label_map(kind: Kind, size: tuple[int, int], num_classes: int,
              rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and instance ids, each (H,W) int64.

    Args:
        kind: ``regions`` looks like a real map; ``random`` draws every pixel alone, the worst case of anything that
            profits from neighbourhoods that repeat.
        size: (H, W).
        num_classes: labels lie in [0, num_classes).
        rng: the source of chance.

    Raises:
        ValueError: an unknown kind.
    """
    if kind == "regions":
        return region_map(size, num_classes, rng)
    if kind == "random":
        labels = rng.integers(num_classes, size=size)
        return labels, labels
    raise ValueError(f"labels={kind} must be regions or random")


def batch_of_maps(kind: Kind, count: int, size: tuple[int, int], num_classes: int, *, instances: bool,
                  offsets: Callable[[np.ndarray], np.ndarray] | None, seed: int = 0) -> SampleBatch:
    """What a loader would give, on the CPU: image (N,3,H,W), labels (N,H,W), instances and offsets where wanted."""
    rng = stream("label maps to measure on", seed)
    maps = [label_map(kind, size, num_classes, rng) for _ in range(count)]
    batch: SampleBatch = {
        "image": torch.from_numpy(rng.uniform(-1, 1, (count, 3, *size)).astype(np.float32)),
        "labels": torch.from_numpy(np.stack([labels for labels, _ in maps]).astype(np.int64)),
    }
    if instances:
        batch["instances"] = torch.from_numpy(np.stack([ids for _, ids in maps]).astype(np.int64))
    if offsets is not None:
        batch["offsets"] = torch.from_numpy(np.stack([offsets(labels) for labels, _ in maps]))
    return batch


def semantics_of(batch: SampleBatch, num_classes: int, device: torch.device | str = "cpu") -> Semantics:
    """Label maps of a batch with edges and offsets where it has them, as new objects that share nothing kept."""
    ids = batch.get("instances")
    return Semantics(batch["labels"].clone(), num_classes, None if ids is None else instance_edges(ids),
                     batch.get("offsets")).to(device)


def empty_semantics(size: tuple[int, int], num_classes: int) -> Semantics:
    """One label map of which only the shape is known (meta device), with edges and offsets, for counting."""
    with torch.device("meta"):
        return Semantics(torch.zeros(1, *size, dtype=torch.int64), num_classes, torch.zeros(1, 1, *size),
                         torch.zeros(1, 2, *size))


def distinct_patches(labels: torch.Tensor, side: int = 5) -> float:
    """Share of distinct ``side`` x ``side`` label patches (the border counts as one more label) among all pixels.

    labels (H,W) int64. On COCO-Stuff maps of 256x256 it is 0.06 on average.
    """
    padded = torch.nn.functional.pad(labels, (side // 2,) * 4, value=-1)
    patches = padded.unfold(0, side, 1).unfold(1, side, 1).reshape(-1, side * side)
    return len(np.unique(patches.numpy(), axis=0)) / len(patches)
