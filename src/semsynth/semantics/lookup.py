"""Which row of a table each pixel reads, and sums over the pixels of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

_PIECE = 256  # pixels that are summed in one go: keeps float32 sums accurate and gives every thread work


@dataclass(eq=False)
class Pieces:
    """The pixels sorted by row and cut into Q pieces of at most 256 pixels of one row.

    The cuts are where a row starts and at every 256th pixel, so that Q = R + ceil(P / 256) - 1 whatever the maps are:
    no device is waited for, and a row without pixels has one empty piece.

    Shapes:
        order: (P,) int32, pixels sorted by row.
        starts: (Q+1,) int32, where each piece starts in `order`, and P.
        rows: (R+1,) int32, which piece each row starts with, and Q.
    """

    order: Tensor
    starts: Tensor
    rows: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, order: Tensor, first: Tensor) -> Pieces:
        """From the pixels sorted by row, and where each row starts among them (R,): at P where only empty ones follow.
        """
        pixels, device = len(order), order.device
        first = first.long()
        cuts = _PIECE * torch.arange(1, max(1, -(-pixels // _PIECE)), device=device)
        # a cut where a row starts stands behind that start
        before = F.pad((first - 1).clamp_min_(0) // _PIECE, (0, 1), value=len(cuts))
        rows = before + torch.arange(len(before), device=device)
        starts = first.new_full((len(first) + len(cuts) + 1,), pixels)
        starts.scatter_(0, rows[:-1], first)
        places = torch.searchsorted(first, cuts, right=True) + torch.arange(len(cuts), device=device)
        return cls(order.int(), starts.scatter_(0, places, cuts).int(), rows.int())


@dataclass(eq=False)
class Lookup:
    """Every pixel of a batch of label maps reads one of R rows: of its class, or of its patch of labels.

    P = N * H * W pixels in the order (n, h, w). For the backward pass the pixels are kept sorted by row as well, so
    that sums over the pixels of every row need neither atomics nor a one-hot map.

    Shapes:
        index: (P,) int32 (or int64), the row of each pixel, in [0, count).
        count: R.
        pieces: The pixels sorted by row, or None until sums are asked for.
    """

    index: Tensor
    count: int
    pieces: Pieces | None = None

    def __len__(self) -> int:
        return self.count

    def sorted(self) -> Lookup:
        """Make the pieces now, without waiting for a device; returns self."""
        if self.pieces is None:
            # short ids are sorted several times as fast
            kind = torch.uint8 if self.count <= 2 ** 8 else torch.int16 if self.count <= 2 ** 15 else torch.int32
            ids, order = self.index.to(kind).sort(stable=True)
            if self.index.device.type == "cpu":
                counts = torch.bincount(self.index, minlength=self.count)
                first = counts.cumsum(0) - counts
            else:  # where a count would wait for the largest id
                first = torch.searchsorted(ids.int(), torch.arange(self.count, dtype=torch.int32, device=ids.device))
            self.pieces = Pieces.of(order, first)
        return self

    def map(self, change: Callable[[Tensor], Tensor]) -> Lookup:
        """The same with every tensor changed, as by `.to(device)`."""
        pieces = self.pieces and Pieces(*(change(t) for t in (self.pieces.order, self.pieces.starts, self.pieces.rows)))
        return replace(self, index=change(self.index), pieces=pieces)
