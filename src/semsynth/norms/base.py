"""Parameter-free normalisations under a modulation, and the interface that all modulations share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from semsynth.layers.plain import plain_weights
from semsynth.modulation.autograd import Setting, modulate
from semsynth.modulation.modulation import Modulation, pixel_rows
from semsynth.modulation.shared import foldable
from semsynth.modulation.table import Rows
from semsynth.norms.folding import FoldedTables, fold_moments, running_moments
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


def tables_apply(x: Tensor, weight: Tensor | None) -> bool:
    """Whether looking up rows of tables replaces the plain formula: not where tables are of a lower precision.

    That is the precision of `weight`, which they are made from; without weights there are no tables.
    """
    return (weight is not None and not _plain and weight.dtype in (torch.float32, torch.float64)
            and x.dtype in (weight.dtype, *LOW))


def fast_path(x: Tensor, weight: Tensor | None, base: nn.Module) -> bool:
    """Whether the fused function serves x (N,C,H,W): exactly, and measurably faster than the plain formula.

    It does over a batch norm without parameters, in channels-last memory, and where the work is worth its calls.
    Features of low precision (autocast) are normalised, scaled and shifted in that of the tables.
    """
    return (tables_apply(x, weight) and foldable(base)
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

    A paper's norm holds its parameters and their formula, `modulation`. Where gamma and beta at a pixel are rows of
    small tables, as those of its class, `tables` says so: fused training, folded drawing and their gradients follow.

    >>> class Brighter(Norm):  # twice the features at class 1
    ...     def modulation(self, view, style=None):
    ...         return 1 + view.labels[:, None], torch.zeros(1)
    >>> labels = torch.tensor([[[0, 1]]]).expand(2, 4, 2)
    >>> Brighter(3, num_classes=2, base=nn.Identity)(torch.ones(2, 3, 4, 2), Semantics(labels, 2))[0, 0, 0].tolist()
    [1.0, 2.0]

    Args:
        channels: C of the features.
        num_classes: Classes of the label maps, the unknown class included.
        base: Makes the normalisation without parameters.

    Attributes:
        out_channels: Channels of the result, more than `channels` where features are `appended`.
        needs: What is looked up in a label map, see `semsynth.semantics.Reading`.
        uses_offsets: Whether `semantics.offsets` are read.
        uses_scales: Whether `tables` have scales, which differ from pixel to pixel.
        reads_style: Whether `modulation` and `tables` read a style, which then must be given.
        class_codes: Length Z of the codes by class (N,K,Z) that are read of it, 0 for none; the generator draws them.
        residual: Whether `modulation` gives gamma as what is added to 1; in `tables` it is the whole factor.
        linear_in: Names of the two tables (R,C), or layers to C channels, in which gamma and beta are linear: into them
            `fold_` puts statistics. None where there are none such.
        class_indexed: Names of the parameters with one entry a class, and the dimension of these; others may follow.
        operations: Multiplications and additions that scale and shift one number.
        compiled: Whether a compiler makes the kernels of the fused functions.

    Raises:
        ValueError: no channels or no classes.
    """

    needs: frozenset[str] = frozenset()
    uses_offsets: bool = False
    uses_scales: bool = False
    reads_style: bool = False
    class_codes: int = 0
    residual: bool = False
    linear_in: tuple[str, str] | None = None
    class_indexed: Mapping[str, int] = MappingProxyType({})
    operations: int = 2
    compiled: bool = False

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm) -> None:
        super().__init__()
        if channels < 1 or num_classes < 1:
            raise ValueError(f"channels and num_classes must be >= 1, got {channels} and {num_classes}")
        self.channels, self.num_classes = channels, num_classes
        self.out_channels = channels
        self.base = base(channels)

    @abstractmethod
    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """Gamma and beta of a view at some size, (N,C,H,W) or what spreads to it."""

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """The same as tables; None where this norm or this view has no such form."""
        return None

    def appended(self, view: Semantics) -> Tensor | None:
        """Channels (N,E,H,W) that follow the modulated ones."""
        return None

    def received(self, x: Tensor, style: Any = None) -> Tensor:
        """What is normalised in place of x (N,C,H,W), of the same shape; x itself where a norm says nothing."""
        return x

    def needed(self, h: int, w: int) -> frozenset[str]:
        """What of `needs` is looked up at (h, w), the same for all label maps."""
        return self.needs

    @property
    def reach(self) -> int:
        """How many pixels away in a label map gamma and beta of a pixel may see: at most all its convolutions in a row.
        """
        return sum(layer.kernel_size[0] // 2 for layer in self.modules() if isinstance(layer, nn.Conv2d))

    def extra_repr(self) -> str:
        """Channels in and out, for `print(network)`."""
        return f"{self.channels} -> {self.out_channels}, num_classes={self.num_classes}"

    def forward(self, x: Tensor, semantics: Semantics, style: Any = None, slope: float = 1.0) -> Tensor:
        """Normalise and modulate x (N,C,H,W) with the view of `semantics` at x's size: (N,out_channels,H,W).

        Args:
            x: Features.
            semantics: Label maps, prepared for x's size.
            style: Whatever the generator's norms read of an appearance; read only where `reads_style`.
            slope: That of a LeakyReLU behind the modulation, 1 for none.

        Raises:
            ValueError: a style is read and none was given.
        """
        if (tables := self.fused(x, semantics, style)) is not None:
            return modulate(self.received(x, style), tables, Setting(self.base, slope, self.compiled))
        view = semantics.at(*x.shape[-2:])
        tables = self.tables(view, style) if tables_apply(x, self._weight()) else None
        if tables is not None:
            gamma, beta = tables.maps(*view.labels.shape)
        else:
            gamma, beta = self.modulation(view, style)
            gamma = 1 + gamma if self.residual else gamma
        out, extra = torch.addcmul(beta, self.base(self.received(x, style)), gamma), self.appended(view)
        out = out if extra is None else torch.cat([out, extra.to(out)], 1)
        return out if slope == 1 else F.leaky_relu(out, slope)

    def fused(self, x: Tensor, semantics: Semantics, style: Any = None) -> Modulation | None:
        """The tables and what is appended, where the fused functions serve x; None otherwise."""
        if self.reads_style and style is None:
            raise ValueError(f"{type(self).__name__} reads a style, and none was given")
        if not fast_path(x, self._weight(), self.base):
            return None
        view = semantics.at(*x.shape[-2:])
        if (tables := self.tables(view, style)) is None or (extra := self.appended(view)) is None:
            return tables
        return replace(tables, extra=pixel_rows(extra))

    def _weight(self) -> Tensor | None:
        """One whose precision is that of all; None where there are no parameters."""
        for module in (self, *self.children()):  # a search of all modules takes ten times as long
            for weight in module._parameters.values():
                if weight is not None:
                    return weight
        return next(self.parameters(), None)

    def arrange_(self) -> None:
        """Bring weights that change no more into the layout in which tables are made of them, if another is faster."""

    def folded(self) -> Callable[[Semantics], Rows | None] | None:
        """For evaluation: what makes the rows of a view, with the running statistics in their tables.

        None where the base keeps no such statistics, or rows would not be the label map's alone; the rows are None for
        views that have no tables. Later changes of the weights are not followed.
        """
        moments = running_moments(self.base)
        if moments is None or self.reads_style:
            return None
        return FoldedTables(self, *moments)

    def fold_(self) -> bool:
        """Put the running statistics, in place, where gamma and beta are linear; whether that is possible.

        Afterwards it computes what it did in evaluation mode, without normalising, from plain weights.
        """
        moments = running_moments(self.base)
        if moments is None or self.linear_in is None:
            return False
        plain_weights(self)
        gamma, beta = (getattr(self, name) for name in self.linear_in)
        self.base = fold_moments(gamma, beta, *moments, residual=self.residual, shifted=self.uses_scales)
        self.residual = False
        return True


def group_norm(channels: int, groups: int = 32) -> nn.Module:
    """Group normalisation (arXiv:1803.08494); the number of groups falls to a divisor of `channels`."""
    return nn.GroupNorm(math.gcd(groups, channels), channels, affine=False)


def layer_norm(channels: int) -> nn.Module:
    """Layer normalisation over channels and positions of a sample: group normalisation with one group."""
    return nn.GroupNorm(1, channels, affine=False)


def by_pixel(base: nn.Module) -> bool:
    """Whether a normalisation, in evaluation mode, sees of a picture no more than the pixel that it normalises."""
    return isinstance(base, PONO | nn.Identity) or (isinstance(base, _BatchNorm) and base.running_mean is not None)


class PONO(nn.Module):
    """Positional normalisation (arXiv:1907.04312): mean and deviation over the channels at each position.

    (N,C,H,W) -> (N,C,H,W). `moments` gives the two maps, which `inject_moments` puts back elsewhere.

    >>> x = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 16, 16)
    >>> [m.unique().item() for m in PONO(2, eps=0).moments(x)], PONO(2, eps=0)(x)[0, :, 0, 0].tolist()
    ([2.0, 1.0], [-1.0, 1.0])
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
    """The moment shortcut of PONO: x (N,C,H,W) scaled by `deviation` and shifted by `mean`, both (N,1,H,W)."""
    return torch.addcmul(mean, x, deviation)
