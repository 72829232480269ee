"""Mean and variance of every channel, in two steps that are parallel over pixels at any size."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from semsynth.modulation.kernels.operator import block, blocks, operator, packed

PARTS = 512  # into which the pixels are cut at most


@triton.jit
def part_moments_kernel(found, x, pixels, channels, part, BLOCK_P: tl.constexpr, BLOCK_C: tl.constexpr):
    """Mean and sum of squared differences from it, of each channel over the `part` pixels of a program.

    Block by block, each by its own mean, merged by Chan's formula (1979): nothing cancels.
    """
    channel = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    in_row = channel < channels
    first = tl.program_id(0) * part
    last = tl.minimum(first + part, pixels)
    count = 0.0
    mean, spread = tl.zeros([BLOCK_C], tl.float32), tl.zeros([BLOCK_C], tl.float32)
    for start in range(first, last, BLOCK_P):
        pixel = start + tl.arange(0, BLOCK_P)
        inside = (pixel < last)[:, None] & in_row[None, :]
        value = tl.load(x + pixel.to(tl.int64)[:, None] * channels + channel[None, :], mask=inside, other=0)
        value = value.to(tl.float32)
        more = tl.minimum(last - start, BLOCK_P).to(tl.float32)
        own = tl.sum(value, 0) / more
        difference = tl.where(inside, value - own[None, :], 0.0)
        shift = own - mean
        together = count + more
        mean += shift * (more / together)
        spread += tl.sum(difference * difference, 0) + shift * shift * (count * more / together)
        count = together
    place = found + tl.program_id(0) * 2 * channels + channel
    tl.store(place, mean, mask=in_row)
    tl.store(place + channels, spread, mask=in_row)


@triton.jit
def moments_kernel(out, found, running_mean, running_var, tracked, total, pixels, channels, part, parts, momentum, eps,
                   BLOCK_Q: tl.constexpr, BLOCK_C: tl.constexpr):
    """Merge the parts' moments into mean, variance and 1/deviation; running averages move on.

    Without a momentum (negative) they are averages over all batches: 1 / (number of batches).
    """
    channel = tl.program_id(0) * BLOCK_C + tl.arange(0, BLOCK_C)
    piece = tl.arange(0, BLOCK_Q)
    in_row = channel < channels
    inside = (piece < parts)[:, None] & in_row[None, :]
    place = found + piece[:, None] * 2 * channels + channel[None, :]
    means = tl.load(place, mask=inside, other=0)
    spreads = tl.load(place + channels, mask=inside, other=0)
    counts = tl.minimum(tl.maximum(pixels - piece * part, 0), part).to(tl.float32)[:, None]
    mean = tl.sum(means * counts, 0) / total
    difference = tl.where(inside, means - mean[None, :], 0.0)
    spread = tl.sum(spreads + difference * difference * counts, 0)
    variance = spread / total
    tl.store(out + channel, mean, mask=in_row)
    tl.store(out + channels + channel, variance, mask=in_row)
    tl.store(out + 2 * channels + channel, 1 / tl.sqrt(variance + eps), mask=in_row)
    if running_mean is not None:
        step = momentum
        if momentum < 0:
            step = 1 / tl.load(tracked).to(tl.float32)
        before = tl.load(running_mean + channel, mask=in_row, other=0)
        tl.store(running_mean + channel, before + step * (mean - before), mask=in_row)
        before = tl.load(running_var + channel, mask=in_row, other=0)
        tl.store(running_var + channel, before + step * (spread / (total - 1) - before), mask=in_row)


def _moments(x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, tracked: Tensor | None,
             momentum: float, eps: float) -> Tensor:
    return x.new_empty(3, x.shape[1], dtype=torch.float32)


@operator(_moments, mutates=("running_mean", "running_var"))
def moments(x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, tracked: Tensor | None,
            momentum: float, eps: float) -> Tensor:
    """Mean, variance and 1/sqrt(variance + eps) of the channels of x (P,C), as (3,C) float32.

    Args:
        x: features.
        running_mean, running_var: (C,) float32, which move on by ``momentum`` (the variance without bias), or None.
        tracked: (), the number of batches with this one, whose inverse is the momentum where that is negative.
        momentum: of the running averages.
        eps: added to the variance.
    """
    x, = packed(x)
    pixels, channels = x.shape
    out = _moments(x, running_mean, running_var, tracked, momentum, eps)
    across = block(channels, 16, 64)
    down = 2048 // across
    part = blocks(blocks(pixels, down), PARTS) * down
    parts = blocks(pixels, part)
    found = out.new_empty(parts, 2, channels)
    part_moments_kernel[parts, blocks(channels, across)](found, x, pixels, channels, part, BLOCK_P=down,
                                                         BLOCK_C=across)
    moments_kernel[(blocks(channels, 8),)](out, found, running_mean, running_var, tracked, float(pixels), pixels,
                                           channels, part, parts, momentum, eps, BLOCK_Q=block(parts, 16, PARTS),
                                           BLOCK_C=8)
    return out
