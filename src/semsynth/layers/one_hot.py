"""Convolutions of one-hot maps as sums of rows of their weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def one_hot_conv2d(index: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`conv2d(one_hot(index), weight, bias)` of stride 1 without padding, exact to rounding; without a gradient.

    A channel of the input is 1 at one place alone, so that an output is the sum of kernel**2 rows of a table, one for
    each position of the window. On a CPU that is tens of times as fast as the convolution for a 7x7 kernel of 151
    channels at 256x256; its gradient would be slower.

    >>> index = torch.randint(5, (2, 9, 8))
    >>> weight, bias = torch.randn(4, 5, 3, 3), torch.randn(4)
    >>> dense = F.conv2d(F.one_hot(index, 5).permute(0, 3, 1, 2).float(), weight, bias)
    >>> torch.testing.assert_close(one_hot_conv2d(index, weight, bias), dense)

    Shapes:
        index: (N,H,W) integers in [0, K).
        weight: (C,K,k,k).
        output: (N,C,H-k+1,W-k+1).
    """
    outputs, channels, side, _ = weight.shape
    windows = index.int().unfold(1, side, 1).unfold(2, side, 1)  # (N,h,w,k,k)
    n, h, w = windows.shape[:3]
    start = channels * torch.arange(side * side, dtype=torch.int32, device=index.device).view(side, side)
    table = weight.detach().permute(2, 3, 1, 0).reshape(-1, outputs)  # (k*k*K,C)
    rows = F.embedding_bag((windows + start).reshape(-1, side * side), table, mode="sum")
    rows = rows if bias is None else rows + bias.detach()
    return rows.view(n, h, w, outputs).permute(0, 3, 1, 2)


def reflected(index: Tensor, margin: int) -> Tensor:
    """Integers (N,H,W) with `margin` more on each side, mirrored at the border as `nn.ReflectionPad2d` does."""
    for axis in (1, 2):
        length = index.shape[axis]
        places = torch.arange(-margin, length + margin, device=index.device).abs()
        index = index.index_select(axis, length - 1 - (length - 1 - places).abs())
    return index
