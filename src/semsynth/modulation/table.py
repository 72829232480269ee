"""Scale and shift every pixel by its row of a table: what all norms here come down to once statistics are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.modulation.compiler import kernel, number
from semsynth.modulation.executor import runs_kernels

KEPT_ELEMENTS = 2 ** 22  # of the largest tables with a row for every pixel that are worth keeping
CHUNK = 65536  # elements of a temporary, per thread: stays in the second-level cache


@dataclass(eq=False)
class Rows:
    """What every pixel is multiplied with, and what is added to it.

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
    def of_pixels(cls, maps: Tensor) -> Rows:
        """A row for every pixel, from factors and shifts (N,2*C,H,W)."""
        table = maps.permute(0, 2, 3, 1).flatten(0, 2)
        return cls(table.contiguous(), torch.arange(len(table), device=table.device))

    @property
    def worth_keeping(self) -> bool:
        """Whether pixels share rows, or they are few."""
        return len(self.table) < len(self.index) or self.table.numel() <= KEPT_ELEMENTS

    def repeat(self, times: int) -> Rows:
        """For so many times as many images: the same rows, read again."""
        def again(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.repeat(times, 1)

        return replace(self, index=self.index.repeat(times), scales=again(self.scales), extra=again(self.extra))


def stretches(count: int, width: int, device: torch.device) -> list[slice]:
    """Stretches of `count` things of so many elements that stay in the cache; all at once on an accelerator."""
    step = count if device.type != "cpu" else max(1, CHUNK * torch.get_num_threads() // width)
    return [slice(a, b) for a, b in pairwise([*range(0, count, step), count])]


@torch.no_grad()
def modulate_rows(x: Tensor, rows: Rows, slope: float, factor: int = 1, *, dtype: torch.dtype | None = None,
                  compiled: bool = False) -> Tensor:
    """Upsample x (N,C,h,w) by `factor` (nearest), scale and shift it, LeakyReLU with `slope`; no gradients.

    Args:
        x: Channels-last.
        rows: For N * h * factor * w * factor pixels.
        slope: 1 for no activation.
        factor: 1 for no upsampling.
        dtype: Precision of the result, that of x when None.
        compiled: Whether to run as one kernel, compiled at the first call for inputs of any size.

    Returns:
        (N, C + E, h * factor, w * factor), channels-last.
    """
    n, c, h, w = x.shape
    if runs_kernels(x, rows.table):
        return _by_kernels(x, rows, slope, factor, dtype or x.dtype)
    lines = x.permute(0, 2, 3, 1).reshape(n * h, w, c)
    width = c + (0 if rows.extra is None else rows.extra.shape[1])
    out = x.new_empty(n * h, factor, w, factor, width, dtype=dtype or x.dtype)
    if rows.extra is not None:
        out.view(-1, width)[:, c:] = F.leaky_relu(rows.extra, slope)
    whole = compiled or torch.compiler.is_compiling()
    (_as_one if whole else _in_stretches)(out[..., :c], lines, rows, slope)
    return out.view(n, h * factor, w * factor, width).permute(0, 3, 1, 2)


def _by_kernels(x: Tensor, rows: Rows, slope: float, factor: int, dtype: torch.dtype) -> Tensor:
    from semsynth.modulation.kernels.forward import modulated_rows

    n, c, h, w = x.shape
    gamma, beta = rows.table.chunk(2, 1)
    out = modulated_rows(x.permute(0, 2, 3, 1).reshape(-1, c), w, rows.index, gamma, beta, rows.mean, None, rows.scales,
                         rows.extra, slope, factor, dtype)
    return out.view(n, h * factor, w * factor, -1).permute(0, 3, 1, 2)


def _in_stretches(out: Tensor, lines: Tensor, rows: Rows, slope: float) -> None:
    """Lines of pixels (L,w,C) to out (L,factor,w,factor,C)."""
    shown = lines if rows.mean is None else lines - rows.mean
    _, up, w, right, c = out.shape
    line = up * w * right  # pixels that a line becomes
    parts = stretches(len(lines), line * c, lines.device)
    read = rows.table.new_empty(parts[0].stop * line, 2 * c)
    for part in parts:
        pixels, size = slice(part.start * line, part.stop * line), part.stop - part.start
        own = torch.index_select(rows.table, 0, rows.index[pixels], out=read[:size * line])
        if rows.scales is not None:
            own.view(-1, 2, c).mul_(rows.scales[pixels, :, None])
        own = own.unflatten(0, (size, up, w, right))
        torch.addcmul(own[..., c:], shown[part, None, :, None], own[..., :c], out=out[part])
        if slope != 1:
            F.leaky_relu_(out[part], slope)


def _as_one(out: Tensor, lines: Tensor, rows: Rows, slope: float) -> None:
    scales = None if rows.scales is None else rows.scales.view(*out.shape[:4], 2).unbind(-1)
    kernel(_formula)(out, lines, rows.table, rows.index.view(out.shape[:4]), rows.mean, scales, number(slope))


def _formula(out: Tensor, lines: Tensor, table: Tensor, index: Tensor, mean: Tensor | None,
             scales: tuple[Tensor, Tensor] | None, slope: Tensor | float) -> None:
    """The same as one expression, for a compiler to make one pass of it."""
    factor, shift = F.embedding(index, table).chunk(2, -1)
    if scales is not None:
        factor, shift = factor * scales[0][..., None], shift * scales[1][..., None]
    shown = lines[:, None, :, None]
    modulated = torch.addcmul(shift, shown if mean is None else shown - mean, factor)
    out.copy_(torch.where(modulated > 0, modulated, modulated * slope))
