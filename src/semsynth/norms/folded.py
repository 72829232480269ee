"""Norms in evaluation: statistics folded into the tables, upsampling and LeakyReLU while reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.norms.fused import CHUNK


@dataclass(eq=False)
class Rows:
    """What a norm multiplies every pixel with and adds to it, in evaluation.

    Shapes:
        table: (R,2*C), C factors and C shifts.
        index: (P,) the row each pixel reads.
        mean: None, or (C,) to subtract first where factors vary from pixel to pixel.
        scales: None, or (P,2) factors of the factors and of the shifts.
        extra: None, or (P,E) channels to append.
    """

    table: Tensor
    index: Tensor
    mean: Tensor | None = None
    scales: Tensor | None = None
    extra: Tensor | None = None

    @classmethod
    def of_pixels(cls, factor: Tensor, shift: Tensor) -> Rows:
        """A row for every pixel, from factor and shift (N,C,H,W)."""
        table = torch.cat([factor, shift], 1).permute(0, 2, 3, 1).flatten(0, 2)
        return cls(table.contiguous(), torch.arange(len(table), device=table.device))

    def repeat(self, times: int) -> Rows:
        """For so many times as many images: the same rows, read again."""
        def again(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.repeat(times, 1)

        return replace(self, index=self.index.repeat(times), scales=again(self.scales), extra=again(self.extra))


@torch.no_grad()
def modulate_rows(x: Tensor, rows: Rows, slope: float, factor: int = 1, *, compiled: bool = False) -> Tensor:
    """Upsample x (N,C,h,w) by ``factor`` (nearest), scale and shift it, LeakyReLU with ``slope``.

    x must be channels-last. ``compiled`` runs it as one kernel, compiled at the first call.

    Returns:
        (N, C + E, h * factor, w * factor), channels-last, of the precision of x.
    """
    n, c, h, w = x.shape
    lines = x.permute(0, 2, 3, 1).reshape(n * h, w, c)
    out = (_compiled if compiled else _in_stretches)(lines, rows, slope, factor)
    return out.view(n, h * factor, w * factor, out.shape[-1]).permute(0, 3, 1, 2)


def _in_stretches(lines: Tensor, rows: Rows, slope: float, factor: int) -> Tensor:
    """Lines of pixels (L,w,C) to (L,factor,w,factor,C+E), in stretches that stay in the cache."""
    count, w, c = lines.shape
    shown = lines if rows.mean is None else lines - rows.mean.to(lines.dtype)
    out = lines.new_empty(count, factor, w, factor, c + (0 if rows.extra is None else rows.extra.shape[1]))
    if rows.extra is not None:
        out.view(-1, out.shape[-1])[:, c:] = rows.extra
    pixels = w * factor * factor  # for each line
    step = count if lines.device.type != "cpu" else max(1, CHUNK * torch.get_num_threads() // (pixels * c))
    read = rows.table.new_empty(min(step, count) * pixels, 2 * c)
    for a, b in pairwise([*range(0, count, step), count]):
        own = torch.index_select(rows.table, 0, rows.index[a * pixels:b * pixels], out=read[:(b - a) * pixels])
        if rows.scales is not None:
            own = own.unflatten(1, (2, c)).mul_(rows.scales[a * pixels:b * pixels, :, None]).flatten(1)
        own = own.unflatten(0, (b - a, factor, w, factor))
        torch.addcmul(own[..., c:], shown[a:b, None, :, None], own[..., :c], out=out[a:b, ..., :c])
        if slope != 1:
            F.leaky_relu_(out[a:b], slope)
    return out


def _compiled(lines: Tensor, rows: Rows, slope: float, factor: int) -> Tensor:
    index = rows.index.view(len(lines), factor, lines.shape[1], factor)
    scales, extra = (None if t is None else t.view(*index.shape, -1) for t in (rows.scales, rows.extra))
    return _kernel()(lines, rows.table, index, rows.mean, scales, extra, None if slope == 1 else slope)


def _formula(lines: Tensor, table: Tensor, index: Tensor, mean: Tensor | None, scales: Tensor | None,
             extra: Tensor | None, slope: float | None) -> Tensor:
    """The same as one expression, for a compiler to make one pass of it."""
    factor, shift = F.embedding(index, table).chunk(2, -1)
    if scales is not None:
        factor, shift = factor * scales[..., :1], shift * scales[..., 1:]
    shown = lines[:, None, :, None]
    out = torch.addcmul(shift, shown if mean is None else shown - mean, factor)
    if extra is not None:
        out = torch.cat([out, extra], -1)
    return (out if slope is None else F.leaky_relu(out, slope)).to(lines.dtype)


@cache
def _kernel() -> Callable[..., Tensor]:
    """Compiled at its first call, for label maps and widths of any size."""
    return torch.compile(_formula, dynamic=True)
