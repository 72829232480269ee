"""Sums over the pixels of every row, and sums of a table's rows."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from semsynth.modulation.kernels.operator import block, blocks, operator, packed


@triton.jit
def piece_sums_kernel(partial, values, order, starts, weights, channels, value_stride, SHARED_BY: tl.constexpr,
                      BLOCK_P: tl.constexpr, BLOCK_C: tl.constexpr):
    """partial[q,c] = sum of values over the pixels of piece q: one program a piece and BLOCK_C channels."""
    piece = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_row = channel < channels
    first, last = tl.load(starts + piece), tl.load(starts + piece + 1)
    total = tl.zeros([BLOCK_P, BLOCK_C], tl.float32)
    for start in range(first, last, BLOCK_P):
        place = start + tl.arange(0, BLOCK_P)
        inside = place < last
        pixel = tl.load(order + place, mask=inside, other=0).to(tl.int64)
        value = tl.load(values + (pixel // SHARED_BY)[:, None] * value_stride + channel[None, :],
                        mask=inside[:, None] & in_row[None, :], other=0).to(tl.float32)
        if weights is not None:
            value *= tl.load(weights + pixel, mask=inside, other=0)[:, None]
        total += value
    tl.store(partial + piece.to(tl.int64) * channels + channel, tl.sum(total, 0), mask=in_row)


@triton.jit
def row_sums_kernel(out, partial, rows, count, channels, BLOCK_R: tl.constexpr, BLOCK_Q: tl.constexpr,
                    BLOCK_C: tl.constexpr):
    """out[r,c] = sum of partial over the pieces of row r, BLOCK_Q pieces at a time; 0 for a row without pieces."""
    row = tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_table, in_row = row < count, channel < channels
    first = tl.load(rows + row, mask=in_table, other=0).to(tl.int64)
    last = tl.load(rows + row + 1, mask=in_table, other=0)
    total = tl.zeros([BLOCK_R, BLOCK_C], tl.float32)
    for start in range(0, tl.max(last - first), BLOCK_Q):
        piece = first[:, None] + start + tl.arange(0, BLOCK_Q)[None, :]
        inside = (piece < last[:, None])[:, :, None] & in_row[None, None, :]
        total += tl.sum(tl.load(partial + piece[:, :, None] * channels + channel[None, None, :], mask=inside, other=0),
                        1)
    tl.store(out + row.to(tl.int64)[:, None] * channels + channel[None, :], total.to(out.dtype.element_ty),
             mask=in_table[:, None] & in_row[None, :])


@triton.jit
def sum_of_rows_kernel(out, table, rows, count, channels, K: tl.constexpr, BLOCK_R: tl.constexpr,
                       BLOCK_C: tl.constexpr):
    """out[r,c] = sum over k < K of table[rows[r,k],c]."""
    row = tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_table, in_row = row < count, channel < channels
    inside = in_table[:, None] & in_row[None, :]
    total = tl.zeros([BLOCK_R, BLOCK_C], tl.float32)
    for k in tl.static_range(K):
        read = tl.load(rows + row.to(tl.int64) * K + k, mask=in_table, other=0).to(tl.int64)
        total += tl.load(table + read[:, None] * channels + channel[None, :], mask=inside, other=0).to(tl.float32)
    tl.store(out + row.to(tl.int64)[:, None] * channels + channel[None, :], total.to(out.dtype.element_ty),
             mask=inside)


def merging(rows: int) -> tuple[int, int]:
    """Rows and pieces that a program sums at once: few rows have many pieces each, many rows mostly one."""
    return (1, 64) if rows <= 1024 else (4, 16)


def _sums(values: Tensor, order: Tensor, starts: Tensor, rows: Tensor, weights: Tensor | None,
          shared_by: int, dtype: torch.dtype) -> Tensor:
    return values.new_empty(len(rows) - 1, values.shape[1], dtype=dtype)


@operator(_sums)
def sums_by_row(values: Tensor, order: Tensor, starts: Tensor, rows: Tensor, weights: Tensor | None,
                shared_by: int, dtype: torch.dtype) -> Tensor:
    """Sums (R,C) over the pixels of each row of values (P/shared_by,C), weighted by weights (P,) where there are any.

    Args:
        values: one for every ``shared_by`` pixels that follow each other.
        order, starts, rows: see :class:`semsynth.semantics.lookup.Pieces`.
        weights: or None.
        shared_by: 1 or more.
        dtype: precision of the result.
    """
    values, weights = packed(values, weights)
    out = _sums(values, order, starts, rows, weights, shared_by, dtype)
    pieces, channels = len(starts) - 1, values.shape[1]
    partial = values.new_empty(pieces, channels, dtype=torch.float32)
    across = block(channels, 16, 128)
    if pieces:
        piece_sums_kernel[pieces, blocks(channels, across)](
            partial, values, order, starts, weights, channels, values.stride(0), SHARED_BY=shared_by,
            BLOCK_P=1024 // across, BLOCK_C=across)
    together, at_once = merging(len(out))
    across = block(channels, 16, 32)
    row_sums_kernel[blocks(len(out), together), blocks(channels, across)](
        out, partial, rows, len(out), channels, BLOCK_R=together, BLOCK_Q=at_once, BLOCK_C=across)
    return out


def _gathered(table: Tensor, rows: Tensor, dtype: torch.dtype) -> Tensor:
    return table.new_empty(len(rows), table.shape[1], dtype=dtype)


@operator(_gathered)
def sum_of_rows(table: Tensor, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """For each of rows (R,k) the sum (R,C) of k rows of table (L,C), in the precision ``dtype``."""
    table, rows = packed(table, rows)
    out = _gathered(table, rows, dtype)
    across = block(table.shape[1], 16, 128)
    down = 1024 // across
    sum_of_rows_kernel[blocks(len(rows), down), blocks(table.shape[1], across)](
        out, table, rows, len(rows), table.shape[1], K=rows.shape[1], BLOCK_R=down,
        BLOCK_C=across)
    return out
