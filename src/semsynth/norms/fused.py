"""Normalisation, modulation by table and LeakyReLU as one function that keeps little for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from semsynth.lookup import Lookup
from semsynth.norms.statistics import Statistics

CHUNK = 65536  # elements of a temporary, per thread: stays in the second-level cache


@dataclass(eq=False)
class Modulation:
    """What a norm scales and shifts every pixel by: rows of two tables, and what comes to them at each pixel.

    Shapes:
        gamma, beta: (R,C), one row a class or a patch.
        lookup: which row each of P pixels reads.
        scales: (P,2), factors of gamma and of beta at each pixel, or None.
        extra: (P,E), channels appended behind the modulated ones, or None.
    """

    gamma: Tensor
    beta: Tensor
    lookup: Lookup
    scales: Tensor | None = None
    extra: Tensor | None = None

    def scaled(self, factor: Tensor) -> Modulation:
        """The same with a result that is ``factor`` (a scalar) times as large."""
        extra = None if self.extra is None else self.extra * factor
        return replace(self, gamma=self.gamma * factor, beta=self.beta * factor, extra=extra)


def pixel_rows(x: Tensor) -> Tensor:
    """(N,C,H,W) -> (P,C), P = N*H*W; a view where x is channels-last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def feature_maps(rows: Tensor, like: Tensor) -> Tensor:
    """(P,C) -> (N,C,H,W) of the memory format of ``like``; a view where that is channels-last."""
    n, _, h, w = like.shape
    maps = rows.view(n, h, w, rows.shape[1]).permute(0, 3, 1, 2)
    return maps if like.is_contiguous(memory_format=torch.channels_last) else maps.contiguous()


def _chunks(pixels: int, channels: int, device: torch.device) -> list[slice]:
    """Stretches of pixels whose temporaries stay in the cache; everything at once on an accelerator."""
    step = pixels if device.type != "cpu" else max(1, CHUNK * torch.get_num_threads() // channels)
    return [slice(a, min(a + step, pixels)) for a in range(0, pixels, step)]


def _modulated(x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None, lookup: Lookup,
               statistics: Statistics, slope: float) -> Tensor:
    """leaky(xhat * gamma[row] * scale_gamma + beta[row] * scale_beta), with extra channels appended."""
    rows, channels = pixel_rows(x), x.shape[1]
    mean, factor = statistics.mean, gamma * statistics.inverse_deviation
    table = torch.cat([factor, beta if scales is not None else torch.addcmul(beta, mean, factor, value=-1)], 1)
    chunks = _chunks(len(rows), channels, x.device)
    out = rows.new_empty(len(rows), channels + (0 if extra is None else extra.shape[1]))
    if extra is not None:
        out[:, channels:] = extra
    read = rows.new_empty(chunks[0].stop, 2 * channels)
    for chunk in chunks:
        looked_up = torch.index_select(table, 0, lookup.index[chunk], out=read[:chunk.stop - chunk.start])
        shown = rows[chunk]
        if scales is not None:
            looked_up.view(-1, 2, channels).mul_(scales[chunk, :, None])
            shown = shown - mean
        torch.addcmul(looked_up[:, channels:], shown, looked_up[:, :channels], out=out[chunk, :channels])
        if slope != 1:
            nn.functional.leaky_relu_(out[chunk], slope)
    return feature_maps(out, x)


Gradients = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None]  # of x, gamma, beta, scales, extra


def _gradients(grad: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, lookup: Lookup,
               statistics: Statistics, slope: float, result: Tensor | None) -> Gradients:
    """The backward pass of `_modulated`; ``result`` is its output, read only where there is a slope."""
    rows, grads, channels = pixel_rows(x), pixel_rows(grad), x.shape[1]
    mean, inverse = statistics.mean, statistics.inverse_deviation
    if slope != 1 and result is not None:
        grads = torch.ops.aten.leaky_relu_backward(grads, pixel_rows(result), slope, True)
    grad_extra = grads[:, channels:] if grads.shape[1] > channels else None
    inner = grads[:, :channels]
    chunks = _chunks(len(rows), channels, x.device)

    # grad * (x - mean), whose sums over the pixels of a row are the gradient of gamma
    product = rows.new_empty(len(rows), channels)
    centre = mean.expand(chunks[0].stop, channels).contiguous()
    for chunk in chunks:
        torch.sub(rows[chunk], centre[:chunk.stop - chunk.start], out=product[chunk]).mul_(inner[chunk])
    scale_gamma, scale_beta = (None, None) if scales is None else scales.unbind(1)
    grad_gamma = lookup.sums(product, scale_gamma) * inverse
    grad_beta = lookup.sums(grads, scale_beta)[:, :channels]
    grad_shifted = grad_beta if scales is None else lookup.sums(grads, scale_gamma)[:, :channels]
    # the mean and the deviation depend on x as well: dx = dxhat / deviation + x * slope_of_x + offset
    slope_of_x, offset = statistics.backward((gamma * grad_shifted).sum(0), (gamma * grad_gamma).sum(0))
    factor = gamma * inverse
    read = rows.new_empty(chunks[0].stop, channels)
    spread_slope = None if slope_of_x is None else slope_of_x.expand_as(centre).contiguous()
    spread_offset = None if offset is None else offset.expand_as(centre).contiguous()
    grad_scales = None if scales is None else torch.empty_like(scales)
    grad_rows = product  # its place is free, chunk after chunk
    for chunk in chunks:
        size = chunk.stop - chunk.start
        if scales is not None and grad_scales is not None:
            looked_up = torch.index_select(beta, 0, lookup.index[chunk], out=read[:size])
            torch.sum(looked_up.mul_(inner[chunk]), 1, out=grad_scales[chunk, 1])
        looked_up = torch.index_select(factor, 0, lookup.index[chunk], out=read[:size])
        if scales is not None and grad_scales is not None:
            torch.sum(product[chunk].mul_(looked_up), 1, out=grad_scales[chunk, 0])
            looked_up.mul_(scales[chunk, :1])
        if spread_slope is None or spread_offset is None:
            torch.mul(looked_up, inner[chunk], out=grad_rows[chunk])
        else:
            torch.addcmul(spread_offset[:size], rows[chunk], spread_slope[:size], out=grad_rows[chunk])
            grad_rows[chunk].addcmul_(looked_up, inner[chunk])
    return feature_maps(grad_rows, x), grad_gamma, grad_beta, grad_scales, grad_extra


class _Modulate(torch.autograd.Function):
    """Kept for the backward pass: x, the output (which the layer behind it keeps as well), tables and indices."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None,
                lookup: Lookup, base: nn.Module, slope: float) -> Tensor:
        statistics = Statistics.of(base, x)
        result = _modulated(x, gamma, beta, scales, extra, lookup, statistics, slope)
        ctx.save_for_backward(x, gamma, beta, scales, result if slope != 1 else None)
        ctx.statistics, ctx.lookup, ctx.slope = statistics, lookup, slope
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, beta, scales, result = ctx.saved_tensors
        found = _gradients(grad, x, gamma, beta, scales, ctx.lookup, ctx.statistics, ctx.slope, result)
        return *found, None, None, None


class _ModulateConvolve(torch.autograd.Function):
    """Kept for the backward pass: x, tables, indices and the weight. The convolution's input is computed again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None,
                weight: Tensor, bias: Tensor | None, lookup: Lookup, base: nn.Module, slope: float,
                padding: list[int]) -> Tensor:
        statistics = Statistics.of(base, x)
        inner = _modulated(x, gamma, beta, scales, extra, lookup, statistics, slope)
        ctx.save_for_backward(x, gamma, beta, scales, extra, weight)
        ctx.statistics, ctx.lookup, ctx.slope, ctx.padding = statistics, lookup, slope, padding
        return nn.functional.conv2d(inner, weight, bias, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, beta, scales, extra, weight = ctx.saved_tensors
        table = (x, gamma, beta, scales)
        inner = _modulated(*table, extra, ctx.lookup, ctx.statistics, ctx.slope)
        wanted = [True, ctx.needs_input_grad[5], ctx.needs_input_grad[6]]
        grad_inner, grad_weight, grad_bias = torch.ops.aten.convolution_backward(
            grad, inner, weight, [len(weight)], [1, 1], ctx.padding, [1, 1], False, [0, 0], 1, wanted)
        found = _gradients(grad_inner, *table, ctx.lookup, ctx.statistics, ctx.slope, inner)
        return *found, grad_weight, grad_bias, None, None, None, None


def modulate(x: Tensor, modulation: Modulation, base: nn.Module, slope: float = 1.0) -> Tensor:
    """Normalise x with ``base``, scale and shift every pixel by its rows of two tables, LeakyReLU.

    Equal to ``leaky_relu(base(x) * gamma[row] + beta[row], slope)``, with gradients, without gamma and beta at every
    pixel. The statistics and their running averages are those of ``base``, a batch norm without affine parameters.

    Args:
        x: (N,C,H,W).
        modulation: the tables.
        base: the batch norm, see :func:`semsynth.norms.statistics.foldable`.
        slope: of the LeakyReLU for negative values; 1 for none.

    Returns:
        (N, C + E, H, W) in the memory format of x.
    """
    return _Modulate.apply(x, modulation.gamma, modulation.beta, modulation.scales, modulation.extra,
                           modulation.lookup, base, slope)


def modulate_convolve(x: Tensor, modulation: Modulation, base: nn.Module, slope: float, weight: Tensor,
                      bias: Tensor | None, padding: list[int]) -> Tensor:
    """A convolution of ``modulate(x, modulation, base, slope)``, which is not kept for the backward pass.

    Args:
        x, modulation, base, slope: as for `modulate`.
        weight: (C',C+E,k,k) of the convolution, with stride 1.
        bias: (C',), or None.
        padding: of both sides, [vertical, horizontal].

    Returns:
        (N, C', H', W').
    """
    return _ModulateConvolve.apply(x, modulation.gamma, modulation.beta, modulation.scales, modulation.extra,
                                   weight, bias, modulation.lookup, base, slope, padding)
