"""Scale, shift and activate every pixel by its row of two tables, in one pass."""

from __future__ import annotations

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor

from semsynth.modulation.kernels.operator import alike, block, blocks, operator, packed

TILE = 2048  # elements a program computes


@triton.jit
def modulate_kernel(out, x, index, gamma, beta, mean, inverse, scales, pixels, channels, out_stride, row_stride, line,
                    slope, FACTOR: tl.constexpr, ACTIVE: tl.constexpr, BLOCK_P: tl.constexpr, BLOCK_C: tl.constexpr):
    """out[p,c] = leaky((x[source(p),c] - mean) * inverse * gamma[row(p),c] * scale + beta[row(p),c] * scale).

    One program for BLOCK_P pixels of BLOCK_C channels. `line` is the width of the upsampled map.
    """
    pixel = tl.program_id(0) * BLOCK_P + tl.arange(0, BLOCK_P)
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_map, in_row = pixel < pixels, channel < channels
    inside = in_map[:, None] & in_row[None, :]
    source = pixel
    if FACTOR > 1:
        source = (pixel // line // FACTOR) * (line // FACTOR) + (pixel % line) // FACTOR
    shown = tl.load(x + source.to(tl.int64)[:, None] * channels + channel[None, :], mask=inside, other=0).to(tl.float32)
    row = tl.load(index + pixel, mask=in_map, other=0).to(tl.int64)
    place = row[:, None] * row_stride + channel[None, :]
    factor = tl.load(gamma + place, mask=inside, other=0).to(tl.float32)
    shift = tl.load(beta + place, mask=inside, other=0).to(tl.float32)
    if mean is not None:
        shown -= tl.load(mean + channel, mask=in_row, other=0)[None, :]
    if inverse is not None:
        factor *= tl.load(inverse + channel, mask=in_row, other=0)[None, :]
    if scales is not None:
        factor *= tl.load(scales + 2 * pixel, mask=in_map, other=0)[:, None]
        shift *= tl.load(scales + 2 * pixel + 1, mask=in_map, other=0)[:, None]
    value = shown * factor + shift
    if ACTIVE:
        value = tl.where(value > 0, value, value * slope)
    tl.store(out + pixel.to(tl.int64)[:, None] * out_stride + channel[None, :], value.to(out.dtype.element_ty),
             mask=inside)


def _shapes(x: Tensor, width: int, index: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor | None,
            inverse: Tensor | None, scales: Tensor | None, extra: Tensor | None, slope: float, factor: int,
            dtype: torch.dtype) -> Tensor:
    channels = x.shape[1] + (0 if extra is None else extra.shape[1])
    return x.new_empty(len(x) * factor * factor, channels, dtype=dtype)


@operator(_shapes)
def modulated_rows(x: Tensor, width: int, index: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor | None,
                   inverse: Tensor | None, scales: Tensor | None, extra: Tensor | None, slope: float, factor: int,
                   dtype: torch.dtype) -> Tensor:
    """The modulated pixels (P*factor*factor,C+E), of N maps upsampled by ``factor`` (nearest).

    Args:
        x: (P,C).
        width: pixels in a line of a map.
        index: (P*factor*factor,) integers, the row of each pixel.
        gamma, beta: (R,C).
        mean, inverse: (C,) to subtract first and to multiply with, or None.
        scales: (P*factor*factor,2) of gamma and of beta, or None.
        extra: (P*factor*factor,E) to append, or None.
        slope: of the LeakyReLU, 1 for none.
        factor: 1 for no upsampling.
        dtype: precision of the result.
    """
    channels, (gamma, beta) = x.shape[1], alike(gamma, beta)
    x, index, mean, inverse, scales = packed(x, index, mean, inverse, scales)
    out = _shapes(x, width, index, gamma, beta, mean, inverse, scales, extra, slope, factor, dtype)
    if extra is not None:
        out[:, channels:] = extra if slope == 1 else F.leaky_relu(extra, slope)
    across = block(channels, 16, 128)
    down = TILE // across
    modulate_kernel[blocks(len(out), down), blocks(channels, across)](
        out, x, index, gamma, beta, mean, inverse, scales, len(out), channels, out.stride(0),
        gamma.stride(0), width * factor, slope, FACTOR=factor, ACTIVE=slope != 1, BLOCK_P=down, BLOCK_C=across)
    return out
