"""Running statistics of a batch norm inside the tables and layers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from semsynth.modulation.modulation import folded_table, pixel_rows
from semsynth.modulation.table import Rows
from semsynth.semantics import Semantics

if TYPE_CHECKING:
    from semsynth.norms.base import Norm


class Shift(nn.Module):
    """x (N,C,H,W) minus a mean (C,): what is left of a batch norm whose deviation is folded elsewhere.

    >>> Shift(torch.tensor([1.0, 2.0]))(torch.ones(1, 2, 16, 16))[0, :, 0, 0].tolist()
    [0.0, -1.0]
    """

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Subtract."""
        return x - self.get_buffer("mean")


def running_moments(base: nn.Module) -> tuple[Tensor, Tensor] | None:
    """Mean and 1/deviation (C,) of a batch norm in evaluation mode, in double precision, so that folding rounds once.

    None where it is none, has parameters, or keeps no averages.
    """
    if not isinstance(base, _BatchNorm) or base.affine or base.running_mean is None or base.running_var is None:
        return None
    return base.running_mean.double(), (base.running_var.double() + base.eps).rsqrt()


class FoldedTables:
    """Makes the rows of a view from a norm's tables and running statistics; None for views without tables.

    Tables that are the same for all views, as those of classes, are folded once.

    >>> from semsynth.norms.clade import CLADE
    >>> rows_of = CLADE(channels=4, num_classes=2).eval().folded()
    >>> rows = rows_of(Semantics(torch.ones(1, 16, 16, dtype=torch.int64), 2))
    >>> type(rows_of).__name__, tuple(rows.index.shape), rows.index.unique().tolist()
    ('FoldedTables', (256,), [1])

    Args:
        norm: Its later changes are not followed.
        mean, inverse_deviation: (C,) of its batch norm.
    """

    def __init__(self, norm: Norm, mean: Tensor, inverse_deviation: Tensor) -> None:
        dtype = next(norm.parameters(), mean).dtype
        self.norm, self.mean, self.inverse_deviation = norm, mean.to(dtype), inverse_deviation.to(dtype)
        self._last: tuple[Tensor, Tensor, Tensor] | None = None

    def __call__(self, view: Semantics) -> Rows | None:
        """Look up."""
        if (tables := self.norm.tables(view)) is None:
            return None
        gamma, beta, extra, shifted = tables.gamma, tables.beta, self.norm.appended(view), tables.scales is not None
        if self._last is None or self._last[0] is not gamma or self._last[1] is not beta:
            self._last = gamma, beta, folded_table(gamma, beta, self.mean, self.inverse_deviation, shifted=shifted)
        return Rows(self._last[2], tables.lookup.index, self.mean if shifted else None, tables.scales,
                    None if extra is None else pixel_rows(extra))


@torch.no_grad()
def fold_moments(gamma: Any, beta: Any, mean: Tensor, inverse_deviation: Tensor, *, residual: bool,
                 shifted: bool) -> nn.Module:
    """Change two tables or layers in place: (x - mean) / deviation * gamma + beta = x * gamma' + beta'.

    Args:
        gamma, beta: Tables (R,C), or layers with a bias to C channels.
        mean, inverse_deviation: (C,).
        residual: Whether gamma is what is added to 1; gamma' is the whole factor.
        shifted: Whether the mean is subtracted from x first, so that beta' = beta.

    Returns:
        What is left of the batch norm.
    """
    factors, shifts = _channels_last(gamma), _channels_last(beta)
    for place, (factor, shift) in enumerate(zip(factors, shifts, strict=True), 1):
        one = float(residual and place == len(factors))
        exact = (factor.to(mean.dtype) + one) * inverse_deviation
        factor.copy_(exact)
        if not shifted:
            shift.copy_(shift - mean * exact)
    return Shift(mean.to(factors[0])) if shifted else nn.Identity()


def _channels_last(layer: Any) -> list[Tensor]:
    """The numbers (...,C) of a table or a layer, those that are added last."""
    return [layer] if isinstance(layer, Tensor) else [layer.weight.movedim(0, -1), layer.bias]
