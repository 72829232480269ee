"""Numbers for the windows of codes around the pixels of label maps, the same for windows that are equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from semsynth.semantics.lookup import Pieces

WORD = 60  # bits of a window that are packed into one int64
# odd constants that mix the words of a window into one key; a collision is noticed, so that any will do
_MIX = (0x1E3779B97F4A7C15, 0x3F58476D1CE4E5B9, 0x14D049BB133111EB, 0x2545F4914F6CDD1D, 0x5851F42D4C957F2D)


@dataclass(eq=False)
class Distinct:
    """The distinct windows, numbered.

    Shapes:
        index: (P,) the number of the window at each pixel.
        representatives: (R,) a pixel of each window.
        pieces: Makes the pixels sorted by window.
    """

    index: Tensor
    representatives: Tensor
    pieces: Callable[[], Pieces]

    def __len__(self) -> int:
        return len(self.representatives)


@dataclass(frozen=True)
class Windows:
    """The side x side windows of padded codes (N,h+side-1,w+side-1), of `bits` bits each; side * bits <= 60."""

    padded: Tensor
    side: int
    bits: int

    @property
    def pixels(self) -> int:
        """P = N * h * w."""
        n, h, w = self.padded.shape
        return n * (h - self.side + 1) * (w - self.side + 1)

    def words(self) -> list[Tensor]:
        """Packed into as few int64 (P,) as hold them exactly."""
        side, bits = self.side, self.bits
        h, w = self.padded.shape[1] - side + 1, self.padded.shape[2] - side + 1
        row = self.padded[:, :, :w].clone()
        for j in range(1, side):
            row += self.padded[:, :, j:j + w] << (bits * j)
        words, used = [row[:, :h].clone()], bits * side
        for i in range(1, side):
            if used + bits * side <= WORD:
                words[-1] += row[:, i:i + h] << used
                used += bits * side
            else:
                words.append(row[:, i:i + h].clone())
                used = bits * side
        return [word.flatten() for word in words]

    def rows(self) -> Tensor:
        """(P,side) int64, one for each row of a window."""
        shifts = self.bits * torch.arange(self.side, device=self.padded.device)
        return (self.padded.unfold(2, self.side, 1) << shifts).sum(-1).unfold(1, self.side, 1).reshape(-1, self.side)


def by_runs(windows: Windows) -> Distinct:
    """Number the windows of a map in the order of their keys; for the host.

    Neighbours in a line that are equal are one run, which leaves little to sort. An accelerator would be waited for
    again and again: see `semsynth.semantics.one_sort`.
    """
    words = windows.words()
    pixels, changes = len(words[0]), _changes(words)
    runs = changes.nonzero().flatten()
    words = [word.index_select(0, runs) for word in words]
    key = words[0]
    if len(words) > 1:
        key = sum(((word ^ (word >> 31)) * mix for word, mix in zip(words, _MIX, strict=False)), torch.zeros_like(key))
    key, order = key.sort(stable=True)
    index, starts = _numbered(_changes([key]), order)
    if len(words) > 1 and any(not torch.equal(word[order[starts]][index], word) for word in words):
        # two windows share a key: sort by all words, the first one last
        order = torch.arange(len(order), device=order.device)
        for word in words:
            order = order[word[order].argsort(stable=True)]
        index, starts = _numbered(_changes([word[order] for word in words]), order)
    spread = index.int().index_select(0, changes.cumsum(0, dtype=torch.int32) - 1)
    return Distinct(spread, runs[order[starts]], partial(_pieces_of_runs, runs, order, starts, pixels))


def _pieces_of_runs(runs: Tensor, order: Tensor, starts: Tensor, pixels: int) -> Pieces:
    """From the first pixels of the runs, the runs sorted by window, and where each window starts among them."""
    lengths = torch.diff(runs, append=runs.new_tensor([pixels]))[order]
    before = lengths.cumsum(0) - lengths
    shifts = torch.repeat_interleave((runs[order] - before).int(), lengths, output_size=pixels)
    return Pieces.of(shifts.add_(torch.arange(pixels, dtype=torch.int32, device=runs.device)), before[starts])


def _changes(words: list[Tensor]) -> Tensor:
    """Where any of the words (P,) differs from the one before it, and at the first."""
    first = torch.ones_like(words[0], dtype=torch.bool)
    torch.ne(words[0][1:], words[0][:-1], out=first[1:])
    for word in words[1:]:
        first[1:] |= word[1:] != word[:-1]
    return first


def _numbered(first: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Number what is sorted, one up wherever `first` (Q,): the number of each, and where each number starts."""
    index = torch.empty_like(order)
    index[order] = first.cumsum(0) - 1
    return index, first.nonzero().flatten()
