"""Which row of a table each pixel reads, and sums over the pixels of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

_PIECE = 256  # pixels that are summed in one go: keeps float32 sums accurate and gives every thread work


@dataclass(eq=False)
class Lookup:
    """Every pixel of a batch of label maps reads one of R rows: of its class, or of its patch of labels.

    P = N * H * W pixels in the order (n, h, w). The pixels are kept sorted by row as well and cut into Q pieces of at
    most 256 pixels of one row, so that sums over the pixels of every row need neither atomics nor a one-hot map.

    Shapes:
        index: (P,) int64, the row of each pixel.
        order: (P,) int64, pixels sorted by row.
        pieces: (Q+1,) int64, where each piece starts in ``order``, and P.
        rows: (R+1,) int64, which piece each row starts with, and Q.
    """

    index: Tensor
    order: Tensor
    pieces: Tensor
    rows: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, index: Tensor, count: int) -> Lookup:
        """From the row of each pixel, (P,) int64 in [0, count)."""
        # ids of one byte are sorted by counting, several times as fast
        order = (index.to(torch.uint8) if count <= 256 else index).argsort(stable=True)
        return cls.of_sorted(index, order, torch.bincount(index, minlength=count))

    @classmethod
    @torch.no_grad()
    def of_sorted(cls, index: Tensor, order: Tensor, counts: Tensor) -> Lookup:
        """From the row of each pixel, the pixels sorted by row, and the number of pixels of each row (R,)."""
        per_row = (counts + _PIECE - 1) // _PIECE
        owner = torch.repeat_interleave(per_row)
        first_piece, first_pixel = per_row.cumsum(0) - per_row, counts.cumsum(0) - counts
        within = torch.arange(len(owner), device=index.device) - first_piece[owner]
        end = index.new_tensor([len(index)])
        return cls(index, order, torch.cat([first_pixel[owner] + within * _PIECE, end]),
                   F.pad(per_row.cumsum(0), (1, 0)))

    def __len__(self) -> int:
        return len(self.rows) - 1

    def sums(self, values: Tensor, weights: Tensor | None = None, *, shared_by: int = 1) -> Tensor:
        """Sums (R,C) over the pixels of each row of values (P,C), weighted by weights (P,) where there are any.

        With ``shared_by`` k, values (P/k,C) hold one value for every k pixels that follow each other.
        """
        if weights is not None:
            weights = weights[self.order]
        order = self.order if shared_by == 1 else self.order // shared_by
        partial = F.embedding_bag(order, values, self.pieces, mode="sum", per_sample_weights=weights,
                                  include_last_offset=True)
        every = torch.arange(len(partial), device=values.device)
        return F.embedding_bag(every, partial, self.rows, mode="sum", include_last_offset=True)

    def map(self, change: Callable[[Tensor], Tensor]) -> Lookup:
        """The same with every tensor changed, as by ``.to(device)``."""
        return Lookup(*(change(getattr(self, f.name)) for f in fields(self)))
