"""Sums over the pixels of every row of a table, and sums of a table's rows: each is the other's backward pass."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from semsynth.modulation.executor import runs_kernels
from semsynth.semantics.lookup import Lookup


def sums_by_row(lookup: Lookup, values: Tensor, weights: Tensor | None = None, *, shared_by: int = 1,
                dtype: torch.dtype | None = None) -> Tensor:
    """Sums (R,C) over the pixels of each row of values (P,C), weighted by weights (P,) where there are any.

    With `shared_by` k, values (P/k,C) hold one value for every k pixels that follow each other.
    The result has the precision `dtype`, that of the values when None.
    """
    pieces = lookup.sorted().pieces
    assert pieces is not None
    if runs_kernels(values):
        from semsynth.modulation.kernels import sums

        return sums.sums_by_row(values.contiguous(), pieces.order, pieces.starts, pieces.rows, weights, shared_by,
                                dtype or values.dtype)
    if weights is not None:
        weights = weights.index_select(0, pieces.order)
    order = pieces.order if shared_by == 1 else pieces.order // shared_by
    partial = F.embedding_bag(order, values, pieces.starts, mode="sum", per_sample_weights=weights,
                              include_last_offset=True)
    every = torch.arange(len(partial), dtype=pieces.rows.dtype, device=values.device)
    return F.embedding_bag(every, partial, pieces.rows, mode="sum", include_last_offset=True).to(dtype or values.dtype)


class _SumOfRows(torch.autograd.Function):
    """Sums of table rows, whose backward pass needs neither atomics nor a sort."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, back: Lookup | None) -> Tensor:
        ctx.rows, ctx.back, ctx.length, ctx.dtype = rows, back, len(table), table.dtype
        if runs_kernels(table):
            from semsynth.modulation.kernels import sums

            return sums.sum_of_rows(table.contiguous(), rows, torch.float32)
        return F.embedding_bag(rows, table, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        back = ctx.back or Lookup(ctx.rows.flatten(), ctx.length)
        return sums_by_row(back, grad.contiguous(), shared_by=ctx.rows.shape[1], dtype=ctx.dtype), None, None


def sum_of_rows(table: Tensor, rows: Tensor, back: Lookup | None = None) -> Tensor:
    """For each of rows (R,k) the sum (R,C) of k rows of table (L,C); `back` is `Lookup(rows.flatten(), L)`.

    Sums are float32 where kernels make them; elsewhere they have the precision of the table.
    """
    return _SumOfRows.apply(table, rows, back)
