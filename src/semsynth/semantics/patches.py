"""The distinct patches of a batch of label maps: what a small convolution network on labels can see, once each.

Two 3x3 convolutions see a 5x5 patch of labels, and real label maps have few distinct ones (6% of the pixels at
256x256). Everything here is integer work without gradients, made once for all layers that read one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.semantics.distinct import WORD, Distinct, Windows, by_runs
from semsynth.semantics.lookup import Lookup
from semsynth.semantics.one_sort import by_one_sort

# distinct 3x3 and 5x5 patches for each pixel up to which tables are faster than convolutions (measured)
_WORTHWHILE = (0.5, 0.7)
_SMALL = 4096  # pixels of a batch
_HOSTS = ("cpu",)  # types of devices that are read without waiting


@dataclass(frozen=True)
class Codes:
    """Maps of codes whose patches are wanted.

    Shapes:
        maps: (N,H,W) int64 in [0, count).
        count: The number of codes.
        valid: A bool scalar, whether the maps hold what they should; None: they do.
    """

    maps: Tensor
    count: int
    valid: Tensor | None = None

    @property
    def bits(self) -> int:
        """Of a code, the one beyond the border included."""
        return self.count.bit_length()

    @cached_property
    def padded(self) -> Tensor:
        """(N,H+4,W+4), with the code beyond the border."""
        return F.pad(self.maps, (2, 2, 2, 2), value=self.count)

    def windows(self, side: int) -> Windows:
        """Around each pixel; of side 3 or 5."""
        return Windows(self.padded if side == 5 else self.padded[:, 1:-1, 1:-1], side, self.bits)


@dataclass(eq=False)
class Patches:
    """Distinct 3x3 and 5x5 patches of codes; beyond the border of the image lies one more code.

    T = number of distinct 3x3 patches around pixels, R = of 5x5 patches. Position k of a 3x3 window counts row by row.

    Shapes:
        lookup: The 5x5 patch around each pixel.
        codes: (T,9) int32, `k * (count + 1) + code` for each position k of a 3x3 patch.
        near: (R,9) int32, `t * 9 + k` for the 3x3 patch t around each inner position k of a 5x5 patch; t = T for
            positions beyond the border.
        codes_back, near_back: The entries that read each value of `codes` and of `near`, for the backward pass;
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
        return cls.of_each([Codes(codes, count)], backward=backward)[0]

    @classmethod
    @torch.no_grad()
    def of_each(cls, wanted: Sequence[Codes], *, backward: bool) -> list[Patches | None]:
        """Of several maps; None where convolutions are faster or the codes are not valid.

        An accelerator is waited for once in all, for the numbers of distinct patches.
        """
        small = [c for c in wanted if 5 * c.bits <= WORD]
        host = all(c.maps.device.type in _HOSTS for c in small)
        found = iter(_on_host(small, backward) if host else _on_device(small, backward))
        return [next(found) if 5 * c.bits <= WORD else None for c in wanted]

    @classmethod
    def _joined(cls, codes: Codes, small: Distinct, large: Distinct, backward: bool) -> Patches:
        """From the distinct 3x3 and 5x5 patches."""
        n, h, w = codes.maps.shape
        window = torch.arange(3, device=codes.maps.device)
        position = torch.arange(9, device=codes.maps.device)
        # position k of the window around each representative, in the padded map
        around = (_corner(small.representatives, h, w, 4)[:, None] + (w + 4) + 1
                  + (window[:, None] * (w + 4) + window).flatten())
        own_codes = (codes.padded.flatten()[around] + position * (codes.count + 1)).int()
        numbers = F.pad(small.index.view(n, h, w), (1, 1, 1, 1), value=len(small))
        around = _corner(large.representatives, h, w, 2)[:, None] + (window[:, None] * (w + 2) + window).flatten()
        near = (numbers.flatten()[around] * 9 + position).int()
        patches = cls(Lookup(large.index, len(large)), own_codes, near)
        if backward:
            patches.lookup.pieces = large.pieces()
            patches.codes_back = Lookup(own_codes.flatten(), 9 * (codes.count + 1)).sorted()
            patches.near_back = Lookup(near.flatten(), 9 * (len(small) + 1)).sorted()
        return patches

    def map(self, change: Callable[[Tensor], Tensor]) -> Patches:
        """The same with every tensor changed, as by `.to(device)`."""
        back = [None if b is None else b.map(change) for b in (self.codes_back, self.near_back)]
        return Patches(self.lookup.map(change), change(self.codes), change(self.near), *back)


def _on_host(wanted: Sequence[Codes], backward: bool) -> Iterator[Patches | None]:
    """One by one, and no further than they are worthwhile."""
    for codes in wanted:
        most = _most(codes, backward)
        if (codes.valid is not None and not codes.valid) or len(small := by_runs(codes.windows(3))) > most[0]:
            yield None
            continue
        large = by_runs(codes.windows(5))
        yield None if len(large) > most[1] else Patches._joined(codes, small, large, backward)


def _on_device(wanted: Sequence[Codes], backward: bool) -> Iterator[Patches | None]:
    """All at once."""
    checked = [c for c in wanted if c.valid is not None]
    distinct, valid = by_one_sort([c.windows(side) for c in wanted for side in (3, 5)],
                                  [c.valid for c in checked])  # type: ignore[misc]
    wrong = {id(c) for c, right in zip(checked, valid, strict=True) if not right}
    for codes, small, large in zip(wanted, distinct[::2], distinct[1::2], strict=True):
        most = _most(codes, backward)
        useless = id(codes) in wrong or len(small) > most[0] or len(large) > most[1]
        yield None if useless else Patches._joined(codes, small, large, backward)


def _most(codes: Codes, backward: bool) -> tuple[float, float]:
    """Distinct 3x3 and 5x5 patches up to which tables are worthwhile."""
    # on small maps tables are always faster, if their weights need no new layout each time as in training
    pixels = codes.maps.numel()
    share = _WORTHWHILE if backward or pixels > _SMALL else (1.0, 1.0)
    return share[0] * pixels, share[1] * pixels


def _corner(pixels: Tensor, h: int, w: int, margin: int) -> Tensor:
    """Where pixels of (N,h,w) maps stand as corners in maps that are larger by `margin`."""
    column, row = pixels % w, pixels // w
    return (row // h) * (h + margin) * (w + margin) + row % h * (w + margin) + column
