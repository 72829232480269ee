"""What a run's networks are conditioned on, made from label maps in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semsynth.data.masks import DONT_CARE
from semsynth.semantics import Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.icpe import Offsets


@dataclass(frozen=True)
class Condition:
    """The facts of a run that say what its generator takes.

    Args:
        classes: names, in the order of the label ids.
        colours: (red, green, blue) of each class, 0..255.
        unknown: id of the unknown class, which label 255 stands for; None without one.
        edges: whether the networks read instance edges.
        icpe: how positional offsets are made; None where the networks read none.
        size: (H, W) of the training images.
        instances: whether there are instance maps in training, which then tell instances where no edges are read, too.
    """

    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    unknown: int | None
    edges: bool
    icpe: Offsets | None
    size: tuple[int, int]
    instances: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Condition:
        """From the configuration of a run."""
        data, icpe = config["dataset"], {str(k): v for k, v in config["icpe"].items() if not k.startswith("_")}
        height, width = config["size"]
        return cls(tuple(str(name) for name in data["classes"]),
                   tuple((int(r), int(g), int(b)) for r, g, b in data["colours"]),
                   data["unknown"], bool(data["edges"]), Offsets(**icpe) if icpe["enabled"] else None,
                   (int(height), int(width)), bool(data["instances"]))

    def semantics(self, labels: Tensor | np.ndarray, instances: Tensor | np.ndarray | None = None) -> Semantics:
        """Label maps with the edges and offsets that the networks read, on the CPU.

        Args:
            labels: (N,H,W) integers in [0, len(classes)); 255 counts as the unknown class where there is one.
            instances: (N,H,W) integers, any ids; looked at only where training has instance maps.

        Raises:
            ValueError: a wrong shape or type, a label out of range, no instances where edges are read.
        """
        ids = self._checked(integers("labels", labels))
        edges = offsets = things = None
        if self.edges and instances is None:
            raise ValueError("this network reads the edges between instances: give instances=(N,H,W) ids, or "
                             "instances=labels to take the boundaries between classes")
        if instances is not None and (self.edges or self.instances):
            things = integers("instances", instances)
            if things.shape != ids.shape:
                raise ValueError(f"instances must have the shape of the labels, {tuple(ids.shape)}, got "
                                 f"{tuple(things.shape)}")
            edges = instance_edges(things) if self.edges else None
        if self.icpe is not None:
            offsets = torch.from_numpy(np.stack([self.icpe(one) for one in ids.numpy()]))
        return Semantics(ids, len(self.classes), edges, offsets, instances=things)

    def _checked(self, ids: Tensor) -> Tensor:
        count = len(self.classes)
        if self.unknown is not None and count <= DONT_CARE:
            ids = torch.where(ids == DONT_CARE, self.unknown, ids)
        wrong = ((ids < 0) | (ids >= count)).nonzero()
        if len(wrong):
            n, row, column = wrong[0].tolist()
            unknown = "" if self.unknown is None else f", and {DONT_CARE} for the unknown class {self.unknown}"
            raise ValueError(f"label {int(ids[n, row, column])} at row {row}, column {column} of label map {n} is out "
                             f"of range ({len(wrong)} such pixels): allowed are 0 ({self.classes[0]}) to {count - 1} "
                             f"({self.classes[-1]}){unknown}")
        return ids


def integers(name: str, values: Tensor | np.ndarray) -> Tensor:
    """(N,H,W) int64 on the CPU from a torch or numpy array of integers.

    Raises:
        ValueError: another shape, an empty array, or no integers.
    """
    array = values if isinstance(values, Tensor) else torch.from_numpy(_native(np.asarray(values)))
    if array.dtype.is_floating_point or array.dtype.is_complex:
        raise ValueError(f"{name} must be integers, got {array.dtype}: round them on purpose, as in {name}.long()")
    if array.ndim != 3 or not array.numel():
        one = f"; for one map give {name}[None]" if array.ndim == 2 else ""
        raise ValueError(f"{name} must be (N,H,W), got {tuple(array.shape)}{one}")
    return array.detach().cpu().long()


def _native(array: np.ndarray) -> np.ndarray:
    """In a type and an order of bytes that torch knows."""
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    return np.ascontiguousarray(array)
