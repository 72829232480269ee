"""Normalisation, modulation by table and LeakyReLU as one function that keeps little for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from semsynth.layers.convolution import conv2d
from semsynth.modulation.executor import runs_kernels
from semsynth.modulation.gradients import Gradients, gradients
from semsynth.modulation.modulation import Modulation, folded_table, pixel_rows
from semsynth.modulation.precision import precision
from semsynth.modulation.statistics import Statistics
from semsynth.modulation.table import Rows, modulate_rows
from semsynth.semantics.lookup import Lookup


@dataclass(frozen=True)
class Setting:
    """What is no tensor: the norm, the slope of the LeakyReLU behind it, and how to compute.

    Args:
        base: The batch norm without affine parameters, see `semsynth.modulation.shared.foldable`.
        slope: For negative values; 1 for none.
        compiled: Whether a compiler makes the kernels.
    """

    base: nn.Module
    slope: float = 1.0
    compiled: bool = False


def _feature_maps(rows: Tensor, like: Tensor) -> Tensor:
    """(P,C) -> (N,C,H,W) of the memory format of `like`; a view where that is channels-last."""
    n, _, h, w = like.shape
    maps = rows.view(n, h, w, rows.shape[1]).permute(0, 3, 1, 2)
    return maps if like.is_contiguous(memory_format=torch.channels_last) else maps.contiguous()


def _modulated(x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None, lookup: Lookup,
               statistics: Statistics, setting: Setting, dtype: torch.dtype) -> Tensor:
    """leaky(xhat * gamma[row] * scale_gamma + beta[row] * scale_beta), with extra channels appended."""
    if runs_kernels(x, gamma):
        from semsynth.modulation.kernels.forward import modulated_rows

        return _feature_maps(modulated_rows(pixel_rows(x), x.shape[3], lookup.index, gamma, beta, statistics.mean,
                                            statistics.inverse_deviation, scales, extra, setting.slope, 1, dtype), x)
    mean = statistics.mean
    table = folded_table(gamma, beta, mean, statistics.inverse_deviation, shifted=scales is not None)
    rows = Rows(table, lookup.index, None if scales is None else mean, scales, extra)
    out = modulate_rows(x, rows, setting.slope, dtype=dtype, compiled=setting.compiled)
    return out if x.is_contiguous(memory_format=torch.channels_last) else out.contiguous()


def _gradients(grad: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, lookup: Lookup,
               statistics: Statistics, setting: Setting, result: Tensor | None) -> Gradients:
    """The backward pass of `_modulated`."""
    grad_x, *others = gradients(pixel_rows(grad), pixel_rows(x), gamma, beta, scales, lookup, statistics,
                                setting.slope, None if result is None else pixel_rows(result),
                                compiled=setting.compiled)
    return _feature_maps(grad_x, x), *others  # type: ignore[return-value]


class _Modulate(torch.autograd.Function):
    """Kept for the backward pass: x, the output (which the layer behind it keeps as well), tables and indices."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None,
                lookup: Lookup, statistics: Statistics, setting: Setting) -> Tensor:
        result = _modulated(x, gamma, beta, scales, extra, lookup, statistics, setting, precision(x))
        ctx.save_for_backward(x, gamma, beta, scales, result if setting.slope != 1 else None)
        ctx.statistics, ctx.lookup, ctx.setting = statistics, lookup, setting
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, beta, scales, result = ctx.saved_tensors
        found = _gradients(grad, x, gamma, beta, scales, ctx.lookup, ctx.statistics, ctx.setting, result)
        return *found, None, None, None


class _ModulateConvolve(torch.autograd.Function):
    """Kept for the backward pass: x, tables, indices and the weight. The convolution's input is computed again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, scales: Tensor | None, extra: Tensor | None,
                weight: Tensor, bias: Tensor | None, lookup: Lookup, statistics: Statistics, setting: Setting,
                padding: list[int], groups: int) -> Tensor:
        dtype = precision(x)
        inner = _modulated(x, gamma, beta, scales, extra, lookup, statistics, setting, dtype)
        ctx.save_for_backward(x, gamma, beta, scales, extra, weight)
        ctx.statistics, ctx.lookup, ctx.setting, ctx.padding, ctx.groups = statistics, lookup, setting, padding, groups
        return conv2d(inner, weight.to(dtype), None if bias is None else bias.to(dtype), padding, groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, beta, scales, extra, weight = ctx.saved_tensors
        table = (x, gamma, beta, scales)
        inner = _modulated(*table, extra, ctx.lookup, ctx.statistics, ctx.setting, grad.dtype)
        wanted = [True, ctx.needs_input_grad[5], ctx.needs_input_grad[6]]
        grad_inner, *grads = _convolution_gradients(grad, inner, weight.to(grad.dtype), ctx.padding, ctx.groups, wanted)
        found = _gradients(cast(Tensor, grad_inner), *table, ctx.lookup, ctx.statistics, ctx.setting, inner)
        grad_weight, grad_bias = (None if g is None else g.to(weight.dtype) for g in grads)
        return *found, grad_weight, grad_bias, None, None, None, None, None


def _convolution_gradients(grad: Tensor, x: Tensor, weight: Tensor, padding: list[int], groups: int,
                           wanted: list[bool]) -> Sequence[Tensor | None]:
    """Of input, weight and bias, those wanted."""
    if weight.shape[2:] != (1, 1) or groups > 1:
        return torch.ops.aten.convolution_backward(grad, x, weight, [len(weight)], [1, 1], padding, [1, 1], False,
                                                   [0, 0], groups, wanted)
    rows = pixel_rows(grad)
    return [_feature_maps(rows @ weight.flatten(1), x),
            (rows.t() @ pixel_rows(x)).view_as(weight) if wanted[1] else None, rows.sum(0) if wanted[2] else None]


def modulate(x: Tensor, modulation: Modulation, setting: Setting) -> Tensor:
    """Normalise x, scale and shift every pixel by its rows of two tables, LeakyReLU.

    Equal to `leaky_relu(base(x) * gamma[row] + beta[row], slope)`, with gradients, without gamma and beta at every
    pixel. The statistics and their running averages are those of the base norm. Under autocast the result has its
    precision, the statistics and sums that of the tables.

    Args:
        x: (N,C,H,W).
        modulation: The tables.
        setting: Base norm and activation.

    Returns:
        (N, C + E, H, W) in the memory format of x.
    """
    return _Modulate.apply(x, modulation.gamma, modulation.beta, modulation.scales, modulation.extra,
                           modulation.lookup, Statistics.of(setting.base, x.detach()), setting)


def modulate_convolve(x: Tensor, modulation: Modulation, setting: Setting, weight: Tensor, bias: Tensor | None,
                      padding: list[int], groups: int = 1) -> Tensor:
    """A convolution of `modulate(x, modulation, setting)`, which is not kept for the backward pass.

    Args:
        x, modulation, setting: As for `modulate`.
        weight: (C',(C+E)/groups,k,k) of the convolution, with stride 1.
        bias: (C',), or None.
        padding: Of both sides, [vertical, horizontal].
        groups: Of the convolution's channels.

    Returns:
        (N, C', H', W').
    """
    return _ModulateConvolve.apply(x, modulation.gamma, modulation.beta, modulation.scales, modulation.extra,
                                   weight, bias, modulation.lookup, Statistics.of(setting.base, x.detach()),
                                   setting, padding, groups)
