"""Norms in evaluation: statistics folded into the tables, several norms read at once, upsampling while reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.lookup import Lookup
from semsynth.norms.base import Norm
from semsynth.norms.fused import CHUNK
from semsynth.norms.statistics import foldable
from semsynth.semantics import Semantics


@dataclass(eq=False)
class FoldedTables:
    """Tables of J norms over the same x, side by side.

    Shapes:
        table: (R, 2*C*J), for each norm C factors and C shifts.
        index: (P,) the row each pixel reads.
        means: for each norm None, or (C,) to subtract first where factors vary from pixel to pixel.
        scales: for each norm None, or (P,2) factors of its factors and its shifts.
        extra: for each norm None, or (P,E) channels to append.
    """

    table: Tensor
    index: Tensor
    means: list[Tensor | None]
    scales: list[Tensor | None]
    extra: list[Tensor | None]

    def repeat(self, times: int) -> FoldedTables:
        """For so many times as many images: the same rows, read again."""
        def again(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.repeat(times, *[1] * (x.ndim - 1))

        return FoldedTables(self.table, self.index.repeat(times), self.means, [again(x) for x in self.scales],
                            [again(x) for x in self.extra])


DENSE_ELEMENTS = 2 ** 22  # of the largest tables with a row for every pixel


def folds(norm: nn.Module) -> bool:
    """Whether the statistics of a norm are constants in evaluation mode."""
    return (isinstance(norm, Norm) and type(norm).tables is not Norm.tables and foldable(norm.base)
            and norm.base.running_mean is not None)


@torch.no_grad()
def fold(norms: Sequence[Norm], view: Semantics) -> FoldedTables | None:
    """The tables of ``norms`` with running statistics folded in; None where one of them has no such form."""
    folded = FoldedTables(view.labels, view.labels, [], [], [])
    parts: list[Tensor] = []
    every = Lookup(torch.arange(pixels := view.labels.numel(), device=view.labels.device), pixels)
    for norm in norms:
        if not folds(norm):
            return None
        modulation = norm.tables(view)
        if modulation is None and 2 * norm.channels * len(norms) * pixels <= DENSE_ELEMENTS:
            modulation = norm.per_pixel(view, every)  # small maps, whose patches hardly repeat
        if modulation is None:
            return None
        mean, variance, eps = norm.base.running_mean, norm.base.running_var, norm.base.eps  # type: ignore[union-attr]
        factor = modulation.gamma * (variance + eps).rsqrt()  # type: ignore[operator]
        varies = modulation.scales is not None
        parts += [factor, modulation.beta if varies else modulation.beta - mean * factor]  # type: ignore[operator]
        folded.means.append(mean if varies else None)  # type: ignore[arg-type]
        folded.scales.append(modulation.scales)
        folded.extra.append(modulation.extra)
        if folded.index is not view.labels and folded.index is not modulation.lookup.index:
            return None
        folded.index = modulation.lookup.index
    folded.table = torch.cat(parts, 1)
    return folded


@torch.no_grad()
def modulate_folded(x: Tensor, tables: FoldedTables, slopes: Sequence[float], factor: int = 1) -> list[Tensor]:
    """Upsample x (N,C,h,w) by ``factor`` (nearest), modulate by each norm's tables, LeakyReLU with each slope.

    x must be channels-last. Returns for each norm (N, C + E, h * factor, w * factor), channels-last.
    """
    n, c, h, w = x.shape
    lines = x.permute(0, 2, 3, 1).reshape(n * h, w, c)
    shown = [lines if mean is None else lines - mean for mean in tables.means]
    widths = [c if extra is None else c + extra.shape[1] for extra in tables.extra]
    outs = [x.new_empty(n * h, factor, w, factor, width) for width in widths]
    for out, extra in zip(outs, tables.extra, strict=True):
        if extra is not None:
            out.view(-1, out.shape[-1])[:, c:] = extra
    line = w * factor * factor  # pixels for each line of x
    step = n * h if x.device.type != "cpu" else max(1, CHUNK * torch.get_num_threads() // (line * c))
    bounds = [*range(0, n * h, step), n * h]
    read = x.new_empty(min(step, n * h) * line, tables.table.shape[1])
    for a, b in pairwise(bounds):
        looked_up = torch.index_select(tables.table, 0, tables.index[a * line:b * line], out=read[:(b - a) * line])
        for j, (out, slope, scales) in enumerate(zip(outs, slopes, tables.scales, strict=True)):
            own = looked_up[:, 2 * c * j:2 * c * (j + 1)]
            if scales is not None:
                own = own.unflatten(1, (2, c)).mul_(scales[a * line:b * line, :, None]).flatten(1)
            own = own.unflatten(0, (b - a, factor, w, factor))
            torch.addcmul(own[..., c:], shown[j][a:b, None, :, None], own[..., :c], out=out[a:b, ..., :c])
            if slope != 1:
                F.leaky_relu_(out[a:b], slope)
    return [out.view(n, h * factor, w * factor, out.shape[-1]).permute(0, 3, 1, 2) for out in outs]
