"""The distinct patches of a batch of label maps: what a small convolution network on labels can see, once each.

Two 3x3 convolutions see a 5x5 patch of labels, and real label maps have few distinct ones (6% of the pixels at
256x256). Everything here is integer work without gradients, made once for all layers that read one size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.lookup import Lookup

_WORD = 60  # bits of a patch that are packed into one int64
# distinct 3x3 and 5x5 patches for each pixel up to which tables are faster than convolutions (measured)
_WORTHWHILE = (0.5, 0.7)
# odd constants that mix the words of a patch into one key; a collision is noticed, so that any will do
_MIX = (0x1E3779B97F4A7C15, 0x3F58476D1CE4E5B9, 0x14D049BB133111EB, 0x2545F4914F6CDD1D, 0x5851F42D4C957F2D)


@dataclass(eq=False)
class Patches:
    """Distinct 3x3 and 5x5 patches of codes; beyond the border of the image lies one more code.

    T = number of distinct 3x3 patches around pixels, R = of 5x5 patches. Position k of a 3x3 window counts row by row.

    Shapes:
        lookup: the 5x5 patch around each pixel.
        codes: (T,9) int64, ``k * codes + code`` for each position k of a 3x3 patch.
        near: (R,9) int64, ``t * 9 + k`` for the 3x3 patch t around each inner position k of a 5x5 patch; t = T for
            positions beyond the border.
        codes_back, near_back: the entries that read each value of ``codes`` and of ``near``, for the backward pass;
            None where they were prepared without gradients.
    """

    lookup: Lookup
    codes: Tensor
    near: Tensor
    codes_back: Lookup | None = None
    near_back: Lookup | None = None

    @classmethod
    @torch.no_grad()
    def of(cls, codes: Tensor, count: int, *, backward: bool) -> Patches | None:
        """Of codes (N,H,W) int64 in [0, count); None where convolutions are faster since patches hardly repeat."""
        n, h, w = codes.shape
        bits = count.bit_length()
        if 5 * bits > _WORD:
            return None
        padded = F.pad(codes, (2, 2, 2, 2), value=count)
        order, starts, small = _distinct(_words(padded[:, 1:-1, 1:-1], 3, bits))
        if len(starts) > _WORTHWHILE[0] * codes.numel():
            return None
        window = torch.arange(3, device=codes.device)
        # position k of the window around each representative, in the padded map
        around = (_corner(order[starts], h, w, 4)[:, None] + (w + 4) + 1
                  + (window[:, None] * (w + 4) + window).flatten())
        position = torch.arange(9, device=codes.device)
        own_codes = padded.flatten()[around] + position * (count + 1)

        numbers = F.pad(small.view(n, h, w), (1, 1, 1, 1), value=len(starts))
        order, starts, large = _distinct(_words(padded, 5, bits))
        if len(starts) > _WORTHWHILE[1] * codes.numel():
            return None
        around = _corner(order[starts], h, w, 2)[:, None] + (window[:, None] * (w + 2) + window).flatten()
        near = numbers.flatten()[around] * 9 + position
        counts = torch.diff(starts, append=starts.new_tensor([len(order)]))
        patches = cls(Lookup.of_sorted(large, order, counts), own_codes, near)
        if backward:
            patches.codes_back = Lookup.of(own_codes.flatten(), 9 * (count + 1))
            patches.near_back = Lookup.of(near.flatten(), 9 * (len(own_codes) + 1))
        return patches

    def map(self, change: Callable[[Tensor], Tensor]) -> Patches:
        """The same with every tensor changed, as by ``.to(device)``."""
        back = [None if b is None else b.map(change) for b in (self.codes_back, self.near_back)]
        return Patches(self.lookup.map(change), change(self.codes), change(self.near), *back)


def _corner(pixels: Tensor, h: int, w: int, margin: int) -> Tensor:
    """Where pixels of (N,h,w) maps stand as corners in maps that are larger by ``margin``."""
    column, row = pixels % w, pixels // w
    return (row // h) * (h + margin) * (w + margin) + row % h * (w + margin) + column


def _words(padded: Tensor, side: int, bits: int) -> list[Tensor]:
    """The side x side patch at each corner of padded codes, packed into as few int64 (P,) as hold it exactly."""
    h, w = padded.shape[1] - side + 1, padded.shape[2] - side + 1
    row = padded[:, :, :w].clone()
    for j in range(1, side):
        row += padded[:, :, j:j + w] << (bits * j)
    words, used = [row[:, :h].clone()], bits * side
    for i in range(1, side):
        if used + bits * side <= _WORD:
            words[-1] += row[:, i:i + h] << used
            used += bits * side
        else:
            words.append(row[:, i:i + h].clone())
            used = bits * side
    return [word.flatten() for word in words]


def _distinct(words: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels sorted by patch (P,), where each distinct patch starts among them (R,), the patch of each pixel (P,)."""
    key = words[0]
    if len(words) > 1:
        key = sum(((word ^ (word >> 31)) * mix for word, mix in zip(words, _MIX, strict=False)), torch.zeros_like(key))
    key, order = key.sort(stable=True)
    index, starts = _numbered(key.diff() != 0, order)
    if len(words) > 1 and any(not torch.equal(word[order[starts]][index], word) for word in words):
        # two patches share a key: sort by all words, the first one last
        order = torch.arange(len(order), device=order.device)
        for word in words:
            order = order[word[order].argsort(stable=True)]
        changes = torch.stack([word[order].diff() != 0 for word in words]).any(0)
        index, starts = _numbered(changes, order)
    return order, starts, index


def _numbered(changes: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Number sorted pixels, one up wherever ``changes`` (P-1,): the number of each pixel, and where each one starts."""
    first = F.pad(changes, (1, 0), value=True)
    index = torch.empty_like(order)
    index[order] = first.cumsum(0) - 1
    return index, first.nonzero().flatten()


class _SumOfRows(torch.autograd.Function):
    """Sums of table rows, whose backward pass needs neither atomics nor a sort."""

    @staticmethod
    def forward(ctx, table: Tensor, rows: Tensor, back: Lookup | None) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.rows, ctx.back, ctx.length = rows, back, len(table)
        return F.embedding_bag(rows, table, mode="sum")

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        back = ctx.back or Lookup.of(ctx.rows.flatten(), ctx.length)
        return back.sums(grad.contiguous(), shared_by=ctx.rows.shape[1]), None, None


def sum_of_rows(table: Tensor, rows: Tensor, back: Lookup | None = None) -> Tensor:
    """For each of rows (R,k) the sum (R,C) of k rows of table (L,C); ``back`` is ``Lookup.of(rows.flatten(), L)``."""
    return _SumOfRows.apply(table, rows, back)
