"""Label channels that stand in another order in a released layout than in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassOrder:
    """The classes of a data set, as ours and as released code orders channels that stand for them.

    There other channels come first and the unknown class is the first of all; here the others come last.

    >>> ClassOrder(num_classes=3, unknown=2).places(5).tolist()  # theirs: two others, unknown, classes 0 and 1
    [3, 4, 2, 0, 1]

    Attributes:
        num_classes: Label channels, the unknown class included.
        unknown: Its index here, or None without one: then classes are in the same order.
    """

    num_classes: int
    unknown: int | None = None

    def places(self, length: int) -> Tensor:
        """Where each of ours stands among `length` channels of theirs, (length,) int64."""
        others = length - self.num_classes
        classes = list(range(self.num_classes))
        if self.unknown is not None:
            classes = [0 if k == self.unknown else k + (k < self.unknown) for k in classes]
        return torch.tensor([*(others + k for k in classes), *range(others)])

    def ours(self, axes: Mapping[str, int], key: str, theirs: Tensor) -> Tensor:
        """A tensor of theirs, named `key`, with its channels in our order."""
        axis = _axis(axes, key)
        return theirs if axis is None else theirs.index_select(axis, self.places(theirs.shape[axis]))

    def theirs(self, axes: Mapping[str, int], key: str, ours: Tensor) -> Tensor:
        """The other way round."""
        axis = _axis(axes, key)
        return ours if axis is None else ours.index_select(axis, self.places(ours.shape[axis]).argsort())


def _axis(axes: Mapping[str, int], key: str) -> int | None:
    return next((axis for pattern, axis in axes.items() if re.fullmatch(pattern, key)), None)
