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

    Shapes:
        order: (P,) int64, pixels sorted by row.
        starts: (Q+1,) int64, where each piece starts in ``order``, and P.
        rows: (R+1,) int64, which piece each row starts with, and Q.
    """

    order: Tensor
    starts: Tensor
    rows: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, order: Tensor, counts: Tensor) -> Pieces:
        """From the pixels sorted by row, and the number of pixels of each row (R,)."""
        per_row = (counts + _PIECE - 1) // _PIECE
        owner = torch.repeat_interleave(per_row)
        first_piece, first_pixel = per_row.cumsum(0) - per_row, counts.cumsum(0) - counts
        within = torch.arange(len(owner), device=order.device) - first_piece[owner]
        end = order.new_tensor([len(order)])
        return cls(order, torch.cat([first_pixel[owner] + within * _PIECE, end]), F.pad(per_row.cumsum(0), (1, 0)))


@dataclass(eq=False)
class Lookup:
    """Every pixel of a batch of label maps reads one of R rows: of its class, or of its patch of labels.

    P = N * H * W pixels in the order (n, h, w). For the backward pass the pixels are kept sorted by row as well, so
    that sums over the pixels of every row need neither atomics nor a one-hot map.

    Shapes:
        index: (P,) int64, the row of each pixel, in [0, count).
        count: R.
        pieces: the pixels sorted by row, or None until sums are asked for.
    """

    index: Tensor
    count: int
    pieces: Pieces | None = None

    def __len__(self) -> int:
        return self.count

    def sorted(self) -> Lookup:
        """Make the pieces now; returns self."""
        if self.pieces is None:
            # ids of one byte are sorted by counting, several times as fast
            order = (self.index.to(torch.uint8) if self.count <= 256 else self.index).argsort(stable=True)
            self.pieces = Pieces.of(order, torch.bincount(self.index, minlength=self.count))
        return self

    def map(self, change: Callable[[Tensor], Tensor]) -> Lookup:
        """The same with every tensor changed, as by ``.to(device)``."""
        pieces = self.pieces and Pieces(*(change(t) for t in (self.pieces.order, self.pieces.starts, self.pieces.rows)))
        return replace(self, index=change(self.index), pieces=pieces)
