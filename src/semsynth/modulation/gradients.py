"""The backward pass of a norm with modulation by table and LeakyReLU."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.modulation.compiler import kernel, number
from semsynth.modulation.executor import runs_kernels
from semsynth.modulation.statistics import Statistics
from semsynth.modulation.sums import sums_by_row
from semsynth.modulation.table import stretches
from semsynth.semantics.lookup import Lookup

Gradients = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None]  # of x, gamma, beta, scales, extra


def gradients(grads: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, lookup: Lookup,
              statistics: Statistics, slope: float, result: Tensor | None, *, compiled: bool) -> Gradients:
    """Gradients of `leaky(xhat * gamma[row] * scales[:, 0] + beta[row] * scales[:, 1])` with E channels appended.

    Sums are made in the precision of gamma.

    Args:
        grads: (P,C+E) of the result.
        x: (P,C) before the norm.
        gamma, beta: (R,C).
        scales: (P,2), or None for 1.
        lookup: Which row each pixel reads.
        statistics: Those the norm took of x.
        slope: Of the LeakyReLU, 1 for none.
        result: (P,C+E), read only where there is a slope.
        compiled: Whether to run as kernels, compiled at the first call for inputs of any size.
    """
    if runs_kernels(x, gamma):
        return _by_kernels(grads, x, gamma, beta, scales, lookup, statistics, slope, result)
    compiled = compiled or torch.compiler.is_compiling()
    channels, mean, inverse = x.shape[1], statistics.mean, statistics.inverse_deviation
    through, product = _through_activation(grads, result if slope != 1 else None, x, mean, slope, compiled)
    scale_gamma, scale_beta = (None, None) if scales is None else scales.unbind(1)
    grad_gamma = sums_by_row(lookup, product, scale_gamma) * inverse
    grad_beta = sums_by_row(lookup, through, scale_beta)[:, :channels]
    grad_shifted = grad_beta if scales is None else sums_by_row(lookup, through, scale_gamma)[:, :channels]
    # the mean and the deviation depend on x as well: dx = dxhat / deviation + x * slope_of_x + offset
    slope_of_x, offset = statistics.backward((gamma * grad_shifted).sum(0), (gamma * grad_gamma).sum(0))
    inner, factor = through[:, :channels], gamma * inverse
    run = kernel(_backward_formula) if compiled else _backward_in_stretches
    grad_x = run(inner, x, factor, lookup.index, None if scales is None else scales[:, 0], slope_of_x, offset)
    grad_scales = None
    if scales is not None:
        run = kernel(_scales_formula) if compiled else _scales_in_stretches
        grad_scales = run(inner, product, factor, beta, lookup.index)
    return grad_x, grad_gamma, grad_beta, grad_scales, through[:, channels:] if through.shape[1] > channels else None


def _by_kernels(grads: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, lookup: Lookup,
                statistics: Statistics, slope: float, result: Tensor | None) -> Gradients:
    """The same in four launches, which read the gradient and x twice."""
    from semsynth.modulation.kernels import backward

    channels, mean, inverse = x.shape[1], statistics.mean, statistics.inverse_deviation
    pieces = lookup.sorted().pieces
    assert pieces is not None
    grads, x = grads.contiguous(), x.contiguous()
    grad_gamma, grad_beta, totals = backward.table_gradients(
        grads, x, pieces.order, pieces.starts, pieces.rows, lookup.index, gamma, beta, mean, inverse, scales, slope)
    carried = None
    if isinstance(statistics.count, int):
        carried = backward.through_statistics(totals, mean, inverse, statistics.count)
    elif statistics.count is not None:
        carried = torch.stack(cast(list[Tensor], statistics.backward(*totals.sum(0))))
    grad_x, grad_scales = backward.input_gradient(grads, x, lookup.index, gamma, beta, mean, inverse, scales, carried,
                                                  slope)
    extra = None
    if grads.shape[1] > channels:
        extra = grads[:, channels:].to(gamma.dtype)
        if result is not None and slope != 1:
            extra = torch.ops.aten.leaky_relu_backward(extra, result[:, channels:], slope, True)
    return grad_x, grad_gamma, grad_beta, None if scales is None else grad_scales, extra


def _through_activation(grads: Tensor, result: Tensor | None, x: Tensor, mean: Tensor, slope: float, compiled: bool,
                        ) -> tuple[Tensor, Tensor]:
    """The gradient before the LeakyReLU (P,C+E), and its product with x - mean (P,C)."""
    if compiled:
        through, product = kernel(_activation_formula)(grads, result, x, mean, number(slope))
        return through, product
    if result is not None:
        grads = torch.ops.aten.leaky_relu_backward(grads, result, slope, True)
    grads = grads.to(mean.dtype)
    product = torch.empty_like(x, dtype=mean.dtype)
    parts = stretches(len(x), x.shape[1], x.device)
    centre = _spread(mean, parts[0].stop)
    for part in parts:
        torch.sub(x[part], centre[:part.stop - part.start], out=product[part]).mul_(grads[part, :x.shape[1]])
    return grads, product


def _spread(vector: Tensor, pixels: int) -> Tensor:
    """(C,) at so many pixels: on the CPU, where stretches are short, as a copy, which the loops there read faster."""
    spread = vector.expand(pixels, -1)
    return spread.contiguous() if vector.device.type == "cpu" else spread


def _activation_formula(grads: Tensor, result: Tensor | None, x: Tensor, mean: Tensor, slope: Tensor | float,
                        ) -> tuple[Tensor, Tensor]:
    grads = grads.to(mean.dtype)
    if result is not None:
        grads = torch.where(result > 0, grads, grads * slope)
    return grads, (x - mean) * grads[:, :x.shape[1]]


def _backward_in_stretches(inner: Tensor, x: Tensor, factor: Tensor, index: Tensor, scale: Tensor | None,
                           slope_of_x: Tensor | None, offset: Tensor | None) -> Tensor:
    """The gradient of x (P,C): `inner * factor[row] * scale + x * slope_of_x + offset`."""
    grad_x, channels = torch.empty_like(x), x.shape[1]
    parts = stretches(len(x), x.shape[1], x.device)
    read, sums = factor.new_empty(2, parts[0].stop, channels)
    spread_slope, spread_offset = (None if v is None else _spread(v, len(read)) for v in (slope_of_x, offset))
    for part in parts:
        size = part.stop - part.start
        own = torch.index_select(factor, 0, index[part], out=read[:size])
        if scale is not None:
            own.mul_(scale[part, None])
        if spread_slope is None or spread_offset is None:
            torch.mul(own, inner[part], out=grad_x[part])
        else:
            rest = torch.addcmul(spread_offset[:size], x[part], spread_slope[:size], out=sums[:size])
            torch.addcmul(rest, own, inner[part], out=grad_x[part])
    return grad_x


def _backward_formula(inner: Tensor, x: Tensor, factor: Tensor, index: Tensor, scale: Tensor | None,
                      slope_of_x: Tensor | None, offset: Tensor | None) -> Tensor:
    own = F.embedding(index, factor) * inner
    if scale is not None:
        own = own * scale[:, None]
    if slope_of_x is not None and offset is not None:
        own = own + (x * slope_of_x + offset)
    return own.to(x.dtype)


def _scales_in_stretches(inner: Tensor, product: Tensor, factor: Tensor, beta: Tensor, index: Tensor) -> Tensor:
    """The gradient of the scales (P,2)."""
    grad = inner.new_empty(len(inner), 2)
    parts = stretches(len(product), product.shape[1], inner.device)
    read = factor.new_empty(parts[0].stop, product.shape[1])
    for part in parts:
        for column, (table, by) in enumerate([(factor, product), (beta, inner)]):
            own = torch.index_select(table, 0, index[part], out=read[:part.stop - part.start])
            torch.sum(own.mul_(by[part]), 1, out=grad[part, column])
    return grad


def _scales_formula(inner: Tensor, product: Tensor, factor: Tensor, beta: Tensor, index: Tensor) -> Tensor:
    return torch.stack([(F.embedding(index, factor) * product).sum(1), (F.embedding(index, beta) * inner).sum(1)], 1)
