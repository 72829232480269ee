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

from semsynth.lookup import Lookup, Pieces

_WORD = 60  # bits of a patch that are packed into one int64
# distinct 3x3 and 5x5 patches for each pixel up to which tables are faster than convolutions (measured)
_WORTHWHILE = (0.5, 0.7)
_SMALL = 4096  # pixels of a batch
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
        # on small maps tables are always faster, if their weights need no new layout each time as in training
        most = _WORTHWHILE if backward or codes.numel() > _SMALL else (1.0, 1.0)
        padded = F.pad(codes, (2, 2, 2, 2), value=count)
        small = _distinct(_words(padded[:, 1:-1, 1:-1], 3, bits))
        if small.count > most[0] * codes.numel():
            return None
        window = torch.arange(3, device=codes.device)
        # position k of the window around each representative, in the padded map
        around = (_corner(small.representatives, h, w, 4)[:, None] + (w + 4) + 1
                  + (window[:, None] * (w + 4) + window).flatten())
        position = torch.arange(9, device=codes.device)
        own_codes = padded.flatten()[around] + position * (count + 1)

        numbers = F.pad(small.index.view(n, h, w), (1, 1, 1, 1), value=small.count)
        large = _distinct(_words(padded, 5, bits))
        if large.count > most[1] * codes.numel():
            return None
        around = _corner(large.representatives, h, w, 2)[:, None] + (window[:, None] * (w + 2) + window).flatten()
        near = numbers.flatten()[around] * 9 + position
        patches = cls(Lookup(large.index, large.count), own_codes, near)
        if backward:
            patches.lookup.pieces = large.pieces()
            patches.codes_back = Lookup(own_codes.flatten(), 9 * (count + 1)).sorted()
            patches.near_back = Lookup(near.flatten(), 9 * (small.count + 1)).sorted()
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


@dataclass(eq=False)
class _Distinct:
    """Patches numbered in the order of their keys; neighbours in a row that are equal form a run.

    Shapes:
        index: (P,) the number of the patch at each pixel.
        count: R, the number of distinct patches.
        representatives: (R,) a pixel of each patch.
        order, runs: (Q,) the runs sorted by patch, and their first pixels.
    """

    index: Tensor
    count: int
    representatives: Tensor
    order: Tensor
    runs: Tensor

    def pieces(self) -> Pieces:
        """The pixels sorted by patch."""
        lengths = torch.diff(self.runs, append=self.runs.new_tensor([len(self.index)]))[self.order]
        before = lengths.cumsum(0) - lengths
        pixels = torch.arange(len(self.index), device=self.index.device)
        order = pixels + torch.repeat_interleave(self.runs[self.order] - before, lengths, output_size=len(pixels))
        return Pieces.of(order, torch.bincount(self.index, minlength=self.count))


def _distinct(words: list[Tensor]) -> _Distinct:
    """Number the distinct patches, given as words (P,) that spell the patch at each pixel."""
    changes = _changes(words)
    runs = changes.nonzero().flatten()
    words = [word.index_select(0, runs) for word in words]
    key = words[0]
    if len(words) > 1:
        key = sum(((word ^ (word >> 31)) * mix for word, mix in zip(words, _MIX, strict=False)), torch.zeros_like(key))
    key, order = key.sort(stable=True)
    index, starts = _numbered(_changes([key]), order)
    if len(words) > 1 and any(not torch.equal(word[order[starts]][index], word) for word in words):
        # two patches share a key: sort by all words, the first one last
        order = torch.arange(len(order), device=order.device)
        for word in words:
            order = order[word[order].argsort(stable=True)]
        index, starts = _numbered(_changes([word[order] for word in words]), order)
    return _Distinct(index.index_select(0, changes.cumsum(0) - 1), len(starts), runs[order[starts]], order, runs)


def _changes(words: list[Tensor]) -> Tensor:
    """Where any of the words (P,) differs from the one before it, and at the first."""
    first = torch.ones_like(words[0], dtype=torch.bool)
    torch.ne(words[0][1:], words[0][:-1], out=first[1:])
    for word in words[1:]:
        first[1:] |= word[1:] != word[:-1]
    return first


def _numbered(first: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Number what is sorted, one up wherever ``first`` (Q,): the number of each, and where each number starts."""
    index = torch.empty_like(order)
    index[order] = first.cumsum(0) - 1
    return index, first.nonzero().flatten()
