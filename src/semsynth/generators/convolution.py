"""Convolutions of a network that is used for drawing only."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from semsynth.layers.convolution import conv2d

# pixels of a batch up to which the weights outweigh the map, so that their layout decides the time (measured on a CPU
# with AVX-512: 3.6 times as fast at 8x8 and 1.6 times at 16x16 with 1024 channels, no faster from 32x32 on)
PACKED_PIXELS = 512


class InferenceConv2d(nn.Module):
    """A convolution of stride 1 with constant weights, channels-last: (N,C,H,W) -> (N,C',H,W).

    Where the map is small, the CPU library spends most of the time on bringing the weights into its own layout. They
    are kept in it from the first such call on, which costs their memory once more. A 1x1 convolution is one matrix
    product.

    >>> layer, x = nn.Conv2d(64, 64, 3, padding=1), torch.randn(1, 64, 16, 16)
    >>> torch.allclose(InferenceConv2d(layer)(x), layer(x), atol=1e-5)
    True

    Args:
        layer: Its weights are copied, as a parametrization leaves them.
        dtype: Precision of weights, inputs and result; that of the layer when None.
    """

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        weight, bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
        self.weight = nn.Parameter(weight.to(dtype, memory_format=torch.channels_last, copy=True), requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.to(dtype, copy=True), requires_grad=False)
        self.padding, self.groups = list(cast(tuple[int, int], layer.padding)), layer.groups
        self._packed: Any = None

    def _apply(self, fn: Any, recurse: bool = True) -> InferenceConv2d:
        self.forget()  # another device or precision
        super()._apply(fn, recurse)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None}  # the library's layout belongs to this process

    def forget(self) -> None:
        """Drop what was made from the weights; for after changing them in place."""
        self._packed = None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; no gradients."""
        x = x.to(self.weight.dtype)
        if self._packs(x):
            one, weight = [1, 1], self.weight.detach()
            if self._packed is None:
                self._packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), self.padding, one, one, 1,
                                                                         list(x.shape))  # type: ignore[call-arg]
            return torch.ops.mkldnn._convolution_pointwise(x, self._packed, self.bias, self.padding, one, one, 1,
                                                           "none", [], "")
        return conv2d(x, self.weight, self.bias, self.padding, self.groups)

    def _packs(self, x: Tensor) -> bool:
        return (self.weight.shape[2:] != (1, 1) and self.groups == 1
                and x.device.type == "cpu" and x.dtype == torch.float32 == self.weight.dtype
                and len(x) * x.shape[2] * x.shape[3] <= PACKED_PIXELS and min(self.weight.shape[:2]) >= 64
                and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()
                and torch.backends.mkldnn.is_available())
