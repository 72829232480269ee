"""The backward pass of a modulation: sums by row, what goes through the statistics, the gradient of x."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from semsynth.modulation.kernels.operator import alike, block, blocks, operator, packed
from semsynth.modulation.kernels.sums import merging


@triton.jit
def product_sums_kernel(partial, grad, x, order, starts, index, gamma, beta, mean, inverse, scales, channels,
                        grad_stride, row_stride, slope, SUMS: tl.constexpr, ACTIVE: tl.constexpr,
                        BLOCK_P: tl.constexpr, BLOCK_C: tl.constexpr):
    """Sums over piece q, one program a piece and BLOCK_C channels, which reads the row's factors once.

    With g the gradient before the LeakyReLU and d = x - mean: partial[q,0] = sum of g * d * scale of gamma,
    partial[q,1] = sum of g * scale of beta and, where there are scales, partial[q,2] = sum of g * scale of gamma.
    """
    piece = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_row = channel < channels
    first, last = tl.load(starts + piece), tl.load(starts + piece + 1)
    row = tl.load(index + tl.load(order + first, mask=first < last, other=0)).to(tl.int64)
    centre = tl.load(mean + channel, mask=in_row, other=0)
    if ACTIVE:
        own = row * row_stride + channel
        factor = tl.load(gamma + own, mask=in_row, other=0) * tl.load(inverse + channel, mask=in_row, other=0)
        shift = tl.load(beta + own, mask=in_row, other=0)
    products, plain = tl.zeros([BLOCK_P, BLOCK_C], tl.float32), tl.zeros([BLOCK_P, BLOCK_C], tl.float32)
    scaled = tl.zeros([BLOCK_P, BLOCK_C], tl.float32)
    for start in range(first, last, BLOCK_P):
        place = start + tl.arange(0, BLOCK_P)
        in_piece = place < last
        inside = in_piece[:, None] & in_row[None, :]
        pixel = tl.load(order + place, mask=in_piece, other=0).to(tl.int64)
        through = tl.load(grad + pixel[:, None] * grad_stride + channel[None, :], mask=inside, other=0).to(tl.float32)
        shown = tl.load(x + pixel[:, None] * channels + channel[None, :], mask=inside, other=0).to(tl.float32)
        shown -= centre[None, :]
        if scales is not None:
            scale_gamma = tl.load(scales + 2 * pixel, mask=in_piece, other=0)[:, None]
            scale_beta = tl.load(scales + 2 * pixel + 1, mask=in_piece, other=0)[:, None]
            if ACTIVE:
                value = shown * (factor[None, :] * scale_gamma) + shift[None, :] * scale_beta
                through = tl.where(value > 0, through, through * slope)
            plain += through * scale_beta
            through *= scale_gamma
            scaled += through
        else:
            if ACTIVE:
                value = shown * factor[None, :] + shift[None, :]
                through = tl.where(value > 0, through, through * slope)
            plain += through
        products += through * shown
    found = partial + piece.to(tl.int64) * SUMS * channels + channel
    tl.store(found, tl.sum(products, 0), mask=in_row)
    tl.store(found + channels, tl.sum(plain, 0), mask=in_row)
    if scales is not None:
        tl.store(found + 2 * channels, tl.sum(scaled, 0), mask=in_row)


@triton.jit
def table_gradients_kernel(grad_gamma, grad_beta, totals, partial, rows, gamma, inverse, count, channels, row_stride,
                           SUMS: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_C: tl.constexpr):
    """The sums of BLOCK_R rows from those of their pieces, BLOCK_Q pieces of each row at a time.

    Besides, over the rows of this program, the sums that the mean and the deviation need: totals[b,0] = sum of gamma *
    (gradient of what gamma multiplies, without it), totals[b,1] = sum of gamma * its gradient.
    """
    row = tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_table, in_row = row < count, channel < channels
    inside = in_table[:, None] & in_row[None, :]
    first = tl.load(rows + row, mask=in_table, other=0).to(tl.int64)
    last = tl.load(rows + row + 1, mask=in_table, other=0)
    products, plain = tl.zeros([BLOCK_R, BLOCK_C], tl.float32), tl.zeros([BLOCK_R, BLOCK_C], tl.float32)
    scaled = tl.zeros([BLOCK_R, BLOCK_C], tl.float32)
    for start in range(0, tl.max(last - first), BLOCK_Q):
        piece = first[:, None] + start + tl.arange(0, BLOCK_Q)[None, :]
        in_rows = (piece < last[:, None])[:, :, None] & in_row[None, None, :]
        parts = partial + piece[:, :, None] * SUMS * channels + channel[None, None, :]
        products += tl.sum(tl.load(parts, mask=in_rows, other=0), 1)
        plain += tl.sum(tl.load(parts + channels, mask=in_rows, other=0), 1)
        if SUMS == 3:
            scaled += tl.sum(tl.load(parts + 2 * channels, mask=in_rows, other=0), 1)
    if SUMS == 2:
        scaled = plain
    products *= tl.load(inverse + channel, mask=in_row, other=0)[None, :]
    place = row.to(tl.int64)[:, None] * channels + channel[None, :]
    tl.store(grad_gamma + place, products, mask=inside)
    tl.store(grad_beta + place, plain, mask=inside)
    own = tl.load(gamma + row.to(tl.int64)[:, None] * row_stride + channel[None, :], mask=inside, other=0)
    total = totals + tl.program_id(0).to(tl.int64) * 2 * channels + channel
    tl.store(total, tl.sum(own * scaled, 0), mask=in_row)
    tl.store(total + channels, tl.sum(own * products, 0), mask=in_row)


@triton.jit
def through_statistics_kernel(out, totals, mean, inverse, count, channels, values, BLOCK_Q: tl.constexpr,
                              BLOCK_C: tl.constexpr):
    """How mean and deviation carry gradients to x: out[0] and out[1] of `x * out[0] + out[1]`."""
    channel = tl.program_id(0) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_row = channel < channels
    shifted, products = tl.zeros([BLOCK_Q, BLOCK_C], tl.float32), tl.zeros([BLOCK_Q, BLOCK_C], tl.float32)
    for start in range(0, count, BLOCK_Q):
        part = start + tl.arange(0, BLOCK_Q)
        inside = (part < count)[:, None] & in_row[None, :]
        place = totals + part.to(tl.int64)[:, None] * 2 * channels + channel[None, :]
        shifted += tl.load(place, mask=inside, other=0)
        products += tl.load(place + channels, mask=inside, other=0)
    own = tl.load(inverse + channel, mask=in_row, other=0)
    slope = -tl.sum(products, 0) / values * own * own
    offset = -tl.sum(shifted, 0) / values * own - tl.load(mean + channel, mask=in_row, other=0) * slope
    tl.store(out + channel, slope, mask=in_row)
    tl.store(out + channels + channel, offset, mask=in_row)


@triton.jit
def input_gradient_kernel(grad_x, grad_scales, grad, x, index, gamma, beta, mean, inverse, scales, carried, pixels,
                          channels, grad_stride, row_stride, slope, ACTIVE: tl.constexpr, BLOCK_P: tl.constexpr,
                          BLOCK_C: tl.constexpr):
    """grad_x = g * gamma[row] * inverse * scale + x * carried[0] + carried[1], g being the gradient before LeakyReLU.

    A program walks over its share of the channels: over all of them where the gradient of the scales is asked for,
    which sums over channels.
    """
    pixel = tl.program_id(0) * BLOCK_P + tl.arange(0, BLOCK_P)
    in_map = pixel < pixels
    row = tl.load(index + pixel, mask=in_map, other=0).to(tl.int64)
    of_gamma, of_beta = tl.zeros([BLOCK_P], tl.float32), tl.zeros([BLOCK_P], tl.float32)
    if scales is not None:
        scale_gamma = tl.load(scales + 2 * pixel, mask=in_map, other=0)[:, None]
        scale_beta = tl.load(scales + 2 * pixel + 1, mask=in_map, other=0)[:, None]
    for start in range(tl.program_id(1) * BLOCK_C, channels, tl.num_programs(1) * BLOCK_C):
        channel = start + tl.arange(0, BLOCK_C)
        in_row = channel < channels
        inside = in_map[:, None] & in_row[None, :]
        place = row[:, None] * row_stride + channel[None, :]
        at = pixel.to(tl.int64)[:, None] * channels + channel[None, :]
        through = tl.load(grad + pixel.to(tl.int64)[:, None] * grad_stride + channel[None, :], mask=inside,
                          other=0).to(tl.float32)
        given = tl.load(x + at, mask=inside, other=0).to(tl.float32)
        factor = tl.load(gamma + place, mask=inside, other=0) * tl.load(inverse + channel, mask=in_row,
                                                                        other=0)[None, :]
        if ACTIVE or scales is not None:
            shown = given - tl.load(mean + channel, mask=in_row, other=0)[None, :]
            shift = tl.load(beta + place, mask=inside, other=0)
        if ACTIVE:
            if scales is not None:
                value = shown * (factor * scale_gamma) + shift * scale_beta
            else:
                value = shown * factor + shift
            through = tl.where(value > 0, through, through * slope)
        if scales is not None:
            of_gamma += tl.sum(through * shown * factor, 1)
            of_beta += tl.sum(through * shift, 1)
            factor *= scale_gamma
        found = through * factor
        if carried is not None:
            found += (given * tl.load(carried + channel, mask=in_row, other=0)[None, :]
                      + tl.load(carried + channels + channel, mask=in_row, other=0)[None, :])
        tl.store(grad_x + at, found.to(grad_x.dtype.element_ty), mask=inside)
    if scales is not None:
        tl.store(grad_scales + 2 * pixel, of_gamma, mask=in_map)
        tl.store(grad_scales + 2 * pixel + 1, of_beta, mask=in_map)


def _table_gradients(grad: Tensor, x: Tensor, order: Tensor, starts: Tensor, rows: Tensor, index: Tensor,
                     gamma: Tensor, beta: Tensor, mean: Tensor, inverse: Tensor, scales: Tensor | None, slope: float,
                     ) -> tuple[Tensor, Tensor, Tensor]:
    count, channels = gamma.shape
    together, _ = merging(count)
    return (gamma.new_empty(count, channels), gamma.new_empty(count, channels),
            gamma.new_empty(blocks(count, together), 2, channels))


@operator(_table_gradients)
def table_gradients(grad: Tensor, x: Tensor, order: Tensor, starts: Tensor, rows: Tensor, index: Tensor,
                    gamma: Tensor, beta: Tensor, mean: Tensor, inverse: Tensor, scales: Tensor | None, slope: float,
                    ) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of gamma and beta (R,C), and parts (B,2,C) of the sums that `through_statistics` is made from.

    Args:
        grad: (P,C+E) of the result, of which the first C channels are read.
        x: (P,C).
        order, starts, rows: see :class:`semsynth.semantics.lookup.Pieces`.
        index: (P,) integers, the row of each pixel.
        gamma, beta: (R,C).
        mean, inverse: (C,) of the batch norm.
        scales: (P,2) of gamma and of beta, or None.
        slope: of the LeakyReLU, 1 for none.
    """
    grad_gamma, grad_beta, totals = _table_gradients(grad, x, order, starts, rows, index, gamma, beta, mean, inverse,
                                                     scales, slope)
    gamma, beta = alike(gamma, beta)
    grad, x, index, mean, inverse, scales = packed(grad, x, index, mean, inverse, scales)
    pieces, (count, channels), sums = len(starts) - 1, gamma.shape, 2 if scales is None else 3
    partial = gamma.new_empty(pieces, sums, channels)
    across = block(channels, 16, 128)
    if pieces:
        product_sums_kernel[pieces, blocks(channels, across)](
            partial, grad, x, order, starts, index, gamma, beta, mean, inverse, scales, channels, grad.stride(0),
            gamma.stride(0), slope, SUMS=sums, ACTIVE=slope != 1, BLOCK_P=1024 // across, BLOCK_C=across)
    together, at_once = merging(count)
    across = block(channels, 16, 32)
    table_gradients_kernel[blocks(count, together), blocks(channels, across)](
        grad_gamma, grad_beta, totals, partial, rows, gamma, inverse, count, channels, gamma.stride(0), SUMS=sums,
        BLOCK_R=together, BLOCK_Q=at_once, BLOCK_C=across)
    return grad_gamma, grad_beta, totals


def _through_statistics(totals: Tensor, mean: Tensor, inverse: Tensor, values: int) -> Tensor:
    return totals.new_empty(totals.shape[1:])


@operator(_through_statistics)
def through_statistics(totals: Tensor, mean: Tensor, inverse: Tensor, values: int) -> Tensor:
    """The slope and the offset (2,C) with which x reaches its own gradient through mean and deviation.

    Args:
        totals: (B,2,C), parts of the two sums.
        mean, inverse: (C,) of the batch norm.
        values: behind each mean.
    """
    out = _through_statistics(totals, mean, inverse, values)
    channels = totals.shape[2]
    through_statistics_kernel[(blocks(channels, 8),)](out, totals, mean, inverse, len(totals), channels, float(values),
                                                      BLOCK_Q=block(len(totals), 16, 256), BLOCK_C=8)
    return out


def _input_gradient(grad: Tensor, x: Tensor, index: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor,
                    inverse: Tensor, scales: Tensor | None, carried: Tensor | None, slope: float,
                    ) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), gamma.new_empty(0 if scales is None else len(x), 2)


@operator(_input_gradient)
def input_gradient(grad: Tensor, x: Tensor, index: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor,
                   inverse: Tensor, scales: Tensor | None, carried: Tensor | None, slope: float,
                   ) -> tuple[Tensor, Tensor]:
    """Gradients of x (P,C) and of the scales (P,2), the latter empty where there are none.

    Args:
        grad, x, index, gamma, beta, mean, inverse, scales, slope: as for `table_gradients`.
        carried: (2,C) of `through_statistics`, or None.
    """
    grad_x, grad_scales = _input_gradient(grad, x, index, gamma, beta, mean, inverse, scales, carried, slope)
    gamma, beta = alike(gamma, beta)
    grad, x, index, mean, inverse, scales, carried = packed(grad, x, index, mean, inverse, scales, carried)
    pixels, channels = x.shape
    across = block(channels, 16, 128)
    down = 1024 // across
    input_gradient_kernel[blocks(pixels, down), blocks(channels, across) if scales is None else 1](
        grad_x, grad_scales, grad, x, index, gamma, beta, mean, inverse, scales, carried, pixels, channels,
        grad.stride(0), gamma.stride(0), slope, ACTIVE=slope != 1, BLOCK_P=down, BLOCK_C=across)
    return grad_x, grad_scales
