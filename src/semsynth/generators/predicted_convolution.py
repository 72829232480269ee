"""Depthwise convolutions with a kernel of its own at every pixel."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from semsynth.layers.unfolded import UnfoldedProduct
from semsynth.norms.base import is_plain


class PredictedConv2d(UnfoldedProduct):
    """A 3x3 depthwise convolution, zeros beyond the border: x (N,C,H,W) and kernels (N,9*C,H,W) -> (N,C,H,W).

    Channel 9*c+k of the kernels is what channel c is multiplied with at position k of the window, row by row. Nothing
    is unfolded: nine shifted products are added up.

    >>> kernels = torch.zeros(1, 9, 2, 2)
    >>> kernels[:, 3] = 1  # the neighbour at the left
    >>> PredictedConv2d()(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), kernels).tolist()
    [[[[0.0, 1.0], [0.0, 3.0]]]]
    """

    taps = 9

    def forward(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Convolve."""
        x, kernels = x.to(kernels.dtype), kernels.unflatten(1, (-1, 9))
        if torch.is_grad_enabled() and not is_plain():
            out: Tensor = _Products.apply(x, kernels)
            return out
        return sum_of_products(x, lambda k: kernels[:, :, k])


def sum_of_products(x: Tensor, kernel: Any) -> Tensor:
    """Of x (N,C,H,W), shifted by each position k of a 3x3 window, and `kernel(k)` (N,C,H,W)."""
    out: Tensor | None = None
    for k, shifted in enumerate(_shifted(x)):
        out = shifted * kernel(k) if out is None else out.addcmul_(shifted, kernel(k))
    assert out is not None
    return out


def _shifted(x: Tensor) -> list[Tensor]:
    """What lies at each of the nine positions of the window around a pixel."""
    h, w = x.shape[-2:]
    padded = F.pad(x, (1, 1, 1, 1))
    return [padded[..., row:row + h, column:column + w] for row in range(3) for column in range(3)]


class _Products(torch.autograd.Function):
    """`sum_of_products` that keeps x and the kernels alone; autograd would keep more and fill nine maps with zeros."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernels)
        return sum_of_products(x, lambda k: kernels[:, :, k])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, kernels = ctx.saved_tensors
        h, w = x.shape[-2:]
        grad_kernels = torch.empty_like(kernels)
        padded = x.new_zeros(*x.shape[:2], h + 2, w + 2)
        for k, shifted in enumerate(_shifted(x)):
            torch.mul(grad, shifted, out=grad_kernels[:, :, k])
            padded[..., k // 3:k // 3 + h, k % 3:k % 3 + w].addcmul_(grad, kernels[:, :, k])
        return padded[..., 1:-1, 1:-1], grad_kernels
