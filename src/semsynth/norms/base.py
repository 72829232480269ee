"""Parameter-free normalisations under a modulation, and the interface that all modulations share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from semsynth.modulation.autograd import Modulation
from semsynth.modulation.shared import foldable
from semsynth.modulation.table import Rows
from semsynth.semantics import Semantics

BaseNorm = Callable[[int], nn.Module]
"""Makes a parameter-free normalisation for a number of channels."""


def batch_norm(channels: int) -> nn.Module:
    """Batch normalisation without affine parameters, the published choice (over all devices in training)."""
    return nn.BatchNorm2d(channels, affine=False)


FUSED_ELEMENTS = 2 ** 18  # from this number of elements on, the fused function is at least as fast as the plain one

LOW = (torch.bfloat16, torch.float16)

_plain = False


@contextmanager
def plain_formula() -> Iterator[None]:
    """Compute every modulation as its formula stands, at every pixel: to count, to hook layers, to compare."""
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def is_plain() -> bool:
    """Whether `plain_formula` holds."""
    return _plain


def tables_apply(x: Tensor, table: Tensor) -> bool:
    """Whether looking up rows of tables replaces the plain formula: not where tables are of a lower precision."""
    return not _plain and table.dtype in (torch.float32, torch.float64) and x.dtype in (table.dtype, *LOW)


def fast_path(x: Tensor, table: Tensor, base: nn.Module) -> bool:
    """Whether the fused function serves x (N,C,H,W): exactly, and measurably faster than the plain formula.

    It does over a batch norm without parameters, in channels-last memory, and where the work is worth its calls.
    Features of low precision (autocast) are normalised, scaled and shifted in that of the tables.
    """
    return (tables_apply(x, table) and foldable(base)
            and (x.is_cuda or x.numel() >= FUSED_ELEMENTS) and x.is_contiguous(memory_format=torch.channels_last))


def arranged(x: Tensor) -> Tensor:
    """x (N,C,H,W) in the memory format in which convolutions and norms are fastest at its size.

    Channels-last, but on the CPU only where the map outweighs the weights: where these dominate, their conversion
    costs more (measured with oneDNN from 2x2 to 256x256, 16 to 1024 channels). As it is where a program is exported: a
    choice by the size of the batch would fix the batch.
    """
    if torch.compiler.is_exporting():
        return x
    n, c, h, w = x.shape
    if x.device.type == "cpu" and (n * h * w < c or x.numel() < FUSED_ELEMENTS):
        return x.contiguous()
    return x.contiguous(memory_format=torch.channels_last)


class Norm(nn.Module, ABC):
    """A modulation: normalise without parameters, then scale and shift by what the label map says.

    ``forward(x (N,C,H,W), semantics) -> (N,out_channels,H,W)``; ``out_channels`` exceeds ``channels`` where a
    modulation appends features. ``uses_offsets`` says that it reads ``semantics.offsets``. ``fuses_activation`` says
    that ``forward`` also takes ``slope``, that of a LeakyReLU behind it. ``needs`` is what it looks up in a label map,
    see :class:`semsynth.semantics.Reading`. ``compiled`` says that a compiler makes the kernels of the fused functions.
    """

    uses_offsets: bool = False
    fuses_activation: bool = False
    compiled: bool = False
    needs: frozenset[str] = frozenset()

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm) -> None:
        super().__init__()
        if channels < 1 or num_classes < 1:
            raise ValueError(f"channels and num_classes must be >= 1, got {channels} and {num_classes}")
        self.channels, self.num_classes = channels, num_classes
        self.out_channels = channels
        self.base = base(channels)

    def needed(self, h: int, w: int) -> frozenset[str]:
        """What of ``needs`` is looked up at (h, w), the same for all label maps."""
        return self.needs

    def extra_repr(self) -> str:
        """Channels in and out, for ``print(network)``."""
        return f"{self.channels} -> {self.out_channels}, num_classes={self.num_classes}"

    def tables(self, view: Semantics) -> Modulation | None:
        """Scale and shift by table for a view at some size; None where this norm or this view has no such form."""
        return None

    def fused(self, x: Tensor, semantics: Semantics) -> Modulation | None:
        """The tables, where the fused functions serve x; None otherwise."""
        return None

    def folded(self, mean: Tensor, inverse_deviation: Tensor) -> Callable[[Semantics], Rows | None] | None:
        """For evaluation: what makes the rows of a view, with the statistics (C,) in their tables.

        None where this norm has no such form; the rows are None for views that have none.
        """
        return None

    @abstractmethod
    def forward(self, x: Tensor, semantics: Semantics) -> Tensor:
        """Normalise and modulate x (N,C,H,W) with the view of ``semantics`` at x's size."""


def group_norm(channels: int, groups: int = 32) -> nn.Module:
    """Group normalisation (arXiv:1803.08494); the number of groups falls to a divisor of ``channels``."""
    return nn.GroupNorm(math.gcd(groups, channels), channels, affine=False)


def layer_norm(channels: int) -> nn.Module:
    """Layer normalisation over channels and positions of a sample: group normalisation with one group."""
    return nn.GroupNorm(1, channels, affine=False)


class PONO(nn.Module):
    """Positional normalisation (arXiv:1907.04312): mean and deviation over the channels at each position.

    (N,C,H,W) -> (N,C,H,W). :meth:`moments` gives the two maps, which :func:`inject_moments` puts back elsewhere.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation maps, each (N,1,H,W)."""
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
        return mean, (variance + self.eps).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each position over its channels."""
        mean, deviation = self.moments(x)
        return (x - mean) / deviation


def inject_moments(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """The moment shortcut of PONO: x (N,C,H,W) scaled by ``deviation`` and shifted by ``mean``, both (N,1,H,W)."""
    return torch.addcmul(mean, x, deviation)
