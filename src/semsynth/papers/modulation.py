"""Reading gamma and beta of a generator's norms, and how much of their variance lies between the classes.

CLADE (arXiv:2012.04644, Section 3.1) rests on this: within a class, SPADE's modulation is nearly constant.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.complexity.layers import walk
from semsynth.complexity.maps import empty_semantics
from semsynth.norms.base import Norm
from semsynth.norms.conditional import Unconditional
from semsynth.semantics import Semantics

QUANTITIES = ("gamma", "beta")


@dataclass(frozen=True)
class Place:
    """A norm of a generator.

    Attributes:
        name: Its name, such as `up_3.norm_1`.
        size: (h, w) of the features that it modulates.
        norm: The layer.
    """

    name: str
    size: tuple[int, int]
    norm: Norm


@dataclass(frozen=True)
class Modulation:
    """What a norm does with label maps.

    Attributes:
        place: The norm.
        labels: (N,h,w) int64, the label maps at its size.
        gamma: (N,C,h,w), as the norm has it: SPADE's multiplies by 1 + gamma, CLADE's by gamma.
        beta: (N,C,h,w).
    """

    place: Place
    labels: Tensor
    gamma: Tensor
    beta: Tensor


def places(generator: Any, size: tuple[int, int]) -> list[Place]:
    """The norms that modulate, in the order of the forward pass, for images of (H, W); nothing is computed.

    Raises:
        ValueError: the generator has none.
    """
    norms = {name: module for name, module in generator.named_modules()
             if isinstance(module, Norm) and not isinstance(module, Unconditional)}
    if not norms:
        raise ValueError("no norm of this network modulates by label: take norm=spade, clade or clade_icpe")
    classes = next(iter(norms.values())).num_classes
    layers = walk(copy.deepcopy(generator).to("meta"), empty_semantics(size, classes))
    return [Place(layer.name.removeprefix("blocks."), layer.size, norms[layer.name])
            for layer in layers if layer.name in norms]


@torch.inference_mode()
def read_modulation(semantics: Semantics, wanted: Sequence[Place]) -> Iterator[Modulation]:
    """Gamma and beta of some norms, by the plain formula at every pixel.

    Args:
        semantics: Label maps, prepared for the generator of the norms.
        wanted: See `places`.
    """
    for place in wanted:
        view = semantics.at(*place.size)
        gamma, beta = place.norm.modulation(view)
        yield Modulation(place, view.labels, gamma, beta)


class ClassMoments:
    """Mean and variance of the channels of a map by class, over all pixels that it is given.

    Args:
        classes: Labels are below it.
        channels: C.
    """

    def __init__(self, classes: int, channels: int) -> None:
        self.count = torch.zeros(classes, dtype=torch.float64)
        self.sum, self.squares = torch.zeros(2, classes, channels, dtype=torch.float64)

    def add(self, labels: Tensor, values: Tensor) -> None:
        """Count labels (N,h,w) and values (N,C,h,w) in."""
        where, rows = labels.flatten(), values.permute(0, 2, 3, 1).flatten(0, 2).double()
        self.count += torch.bincount(where, minlength=len(self.count))
        self.sum.index_add_(0, where, rows)
        self.squares.index_add_(0, where, rows.square())

    def variances(self) -> tuple[Tensor, Tensor]:
        """Variance (C,) within the classes, and of all pixels."""
        pixels, some = self.count.sum(), self.count > 0
        means = self.sum[some] / self.count[some, None]
        within = (self.squares[some] - self.sum[some] * means).sum(0).clamp_min(0) / pixels
        off = means - self.sum.sum(0) / pixels
        between = (self.count[some, None] * off.square()).sum(0) / pixels
        return within, within + between


def share(moments: Iterable[ClassMoments]) -> float:
    """Share of the variance of all channels that lies between the classes: 1 where a class has one value a channel.

    NaN where there is no variance.
    """
    within, total = (torch.cat(parts).sum() for parts in zip(*(m.variances() for m in moments), strict=True))
    return float(1 - within / total) if total > 0 else float("nan")


def typical_channel(moments: ClassMoments) -> int:
    """The channel whose own share is the median of all that vary."""
    within, total = moments.variances()
    shares = torch.where(total > 0, 1 - within / total, torch.nan)
    varying = int((total > 0).sum())
    return int(shares.nan_to_num(torch.inf).argsort()[max(0, (varying - 1) // 2)])


def uniform_surroundings(labels: Tensor, side: int = 5) -> float:
    """Share of the pixels of label maps (N,h,w) whose `side` x `side` surroundings hold one class.

    The 5x5 surroundings are all that two 3x3 convolutions see: without edges in them SPADE is exactly constant there.
    The border counts as another class, since convolutions see zeros there.
    """
    padded = F.pad(labels[:, None].double(), (side // 2,) * 4, value=-1)
    high, low = F.max_pool2d(padded, side, 1), -F.max_pool2d(-padded, side, 1)
    return float((high == low).double().mean())
