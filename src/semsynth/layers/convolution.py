"""Convolutions: 1x1 kernels, and layers with spectral norm whose weights outweigh their maps."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from semsynth.layers.init import norm_along, singular_vectors

# Up to so many pixels of a batch, and from so many weights on, a matrix product is faster on a CPU than a convolution,
# which brings the weights and their gradient into a layout of its own (measured with AVX-512, forward and backward at
# 1024 channels: 1.7 times as fast at 8x8, 1.3 times at 16x16, slower at 32x32)
PIXELS, WEIGHTS = 512, 2 ** 20


FEW = 8  # outputs to which a convolution to fewer is padded on CUDA


def for_convolutions(x: Tensor) -> Tensor:
    """x (N,C,H,W) in the memory format of fast convolutions: channels-last on CUDA, as it is elsewhere."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cuda" else x


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int], groups: int = 1) -> Tensor:
    """F.conv2d, with one matrix product for a 1x1 kernel, which is several times as fast on a CPU in channels-last.

    On CUDA a convolution to few channels, as the last one to an image, is padded to more, which have a faster kernel.
    """
    if groups > 1:
        return F.conv2d(x, weight, bias, padding=padding, groups=groups)
    if weight.shape[2:] == (1, 1):
        return F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)
    if len(weight) < FEW and x.device.type == "cuda":
        return padded_conv2d(x, weight, bias, padding)
    return F.conv2d(x, weight, bias, padding=padding)


def padded_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int]) -> Tensor:
    """F.conv2d to C' < 8 channels as one to 8, whose last ones are zero and left out."""
    more = FEW - len(weight)
    bias = None if bias is None else F.pad(bias, (0, more))
    return F.conv2d(x, F.pad(weight, (0, 0, 0, 0, 0, 0, 0, more)), bias, padding=padding)[:, :len(weight)]


class ImageConv2d(nn.Conv2d):
    """A convolution of stride 1 to the few channels of an image, see `conv2d`."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return conv2d(input, weight, bias, list(cast(tuple[int, int], self.padding)))


def convolve(layer: Any, x: Tensor) -> Tensor:
    """`layer(x)` of a convolution with stride 1, (N,C,H,W) -> (N,C',H,W), exact to rounding.

    Where the map is smaller than the weight, it is the map that is divided by the spectral norm.
    """
    weights = layer.out_channels * layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
    if not layer.training or x.numel() >= weights or (vectors := singular_vectors(layer)) is None:
        return layer(x)
    weight, bias = layer.parametrizations.weight.original, layer.bias
    n, _, h, w = x.shape
    if (n * h * w <= PIXELS and weights >= WEIGHTS and layer.groups == 1 and x.device.type == "cpu"
            and x.dtype == weight.dtype and not torch.is_autocast_enabled("cpu")):
        out = _SmallConvolution.apply(x, weight, *vectors, layer.padding)
        return out if bias is None else out + bias[:, None, None]
    return F.conv2d(x / norm_along(weight, *vectors), weight, bias, padding=layer.padding, groups=layer.groups)


class _SmallConvolution(torch.autograd.Function):
    """conv2d(x, weight / norm) as matrix products, with norm = u^T weight v. Kept for the backward pass: x alone.

    The gradient of the weight has two parts, through the product and through the norm: grad cols^T + g_norm u v^T, one
    matrix product with u and v as one more column.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, u: Tensor, v: Tensor, padding: tuple[int, ...]) -> Tensor:
        norm = norm_along(weight, u, v)
        ctx.save_for_backward(x, weight, u, v, norm)
        ctx.padding = padding
        return _as_maps(weight.flatten(1) @ _columns(x, weight, padding), x).div_(norm)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, u, v, norm = ctx.saved_tensors
        n, _, h, w = x.shape
        through = grad.transpose(0, 1).reshape(len(weight), -1) / norm
        back = (weight.flatten(1).t() @ through).view(-1, n, h * w).transpose(0, 1)
        grad_x = F.fold(back, (h, w), weight.shape[2:], padding=ctx.padding)
        grad_norm = -(grad_x * x).sum() / norm  # <grad_x, x> = <grad, output>
        columns = _columns(x, weight, ctx.padding)
        grad_weight = torch.cat([through, (grad_norm * u)[:, None]], 1) @ torch.cat([columns, v[:, None]], 1).t()
        return grad_x, grad_weight.view_as(weight), None, None, None


def _columns(x: Tensor, weight: Tensor, padding: tuple[int, ...]) -> Tensor:
    """What each output pixel reads: (C*k*k, N*H*W)."""
    return F.unfold(x, weight.shape[2:], padding=padding).transpose(0, 1).flatten(1)


def _as_maps(rows: Tensor, like: Tensor) -> Tensor:
    """(C',N*H*W) to contiguous (N,C',H,W)."""
    n, _, h, w = like.shape
    return rows.view(len(rows), n, h, w).transpose(0, 1).contiguous()
