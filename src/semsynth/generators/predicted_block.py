"""The residual block of CC-FPSE."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.label_convolution import LabelConv2d
from semsynth.generators.predicted_convolution import PredictedConv2d, sum_of_products
from semsynth.layers.init import spectral_norm
from semsynth.norms.base import batch_norm, is_plain
from semsynth.semantics import Semantics


class Predictor(nn.Module):
    """Two 3x3 convolutions, ReLU between them, of a label map and its features: -> (N,channels,H,W).

    >>> predictor, labels = Predictor(4, num_classes=2, features=3, hidden=5), torch.zeros(1, 16, 16, dtype=torch.int64)
    >>> tuple(predictor(Semantics(labels, 2), torch.randn(1, 3, 16, 16)).shape)
    (1, 4, 16, 16)
    """

    def __init__(self, channels: int, num_classes: int, *, edges: bool = False, features: int = 64,
                 hidden: int = 128) -> None:
        super().__init__()
        self.hidden = LabelConv2d(num_classes, hidden, edges=edges, features=features)
        self.output = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, view: Semantics, features: Tensor) -> Tensor:
        """Predict."""
        out: Tensor = self.output(F.relu(self.hidden(view, features)))
        return out


class FeatureSPADE(nn.Module):
    """SPADE (arXiv:1903.07291) that reads a label map and its features: x (N,C,H,W) -> (N,C,H,W).

    >>> norm, labels = FeatureSPADE(4, num_classes=2, features=3), torch.zeros(1, 16, 16, dtype=torch.int64)
    >>> tuple(norm(torch.randn(1, 4, 16, 16), Semantics(labels, 2), torch.randn(1, 3, 16, 16)).shape)
    (1, 4, 16, 16)
    """

    def __init__(self, channels: int, num_classes: int, *, edges: bool = False, features: int = 64,
                 hidden: int = 128) -> None:
        super().__init__()
        self.base = batch_norm(channels)
        self.shared = LabelConv2d(num_classes, hidden, edges=edges, features=features)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, view: Semantics, features: Tensor) -> Tensor:
        """Normalise, then scale by 1 + gamma and shift."""
        hidden = F.relu(self.shared(view, features))
        gamma, beta = (spread(layer(hidden), len(x)) for layer in (self.gamma, self.beta))
        return torch.addcmul(beta, self.base(x), 1 + gamma)


class PredictedBlock(nn.Module):
    """Residual block of CC-FPSE (arXiv:1910.06809): (N,in,H,W) -> (N,out,H,W).

    Main path, twice: batch norm with scale and shift, depthwise 3x3 convolution with predicted kernels, 1x1
    convolution, times a predicted gate in (0, 1), LeakyReLU 0.2; through min(in, out) channels. Shortcut: identity, or
    SPADE (which reads the features, too) and a 1x1 convolution without bias and with spectral norm, the only one here,
    where the number of channels changes.

    >>> block = PredictedBlock(4, 2, num_classes=2, features=3, hidden=5)
    >>> view, features = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.randn(1, 3, 16, 16)
    >>> tuple(block(torch.randn(1, 4, 16, 16), view, features).shape)
    (1, 2, 16, 16)

    Args:
        channels_in, channels_out: Of input and output.
        num_classes: Label channels, the unknown class included.
        edges: Whether the instance edges are read.
        features: Channels of the label map's features.
        hidden: Width of the predicting networks.

    Attributes:
        unread: Batch norms which the released network holds and never reads: kept, so that its files come and go whole.
    """

    def __init__(self, channels_in: int, channels_out: int, num_classes: int, *, edges: bool = False,
                 features: int = 64, hidden: int = 128) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)

        def predictor(channels: int) -> Predictor:
            return Predictor(channels, num_classes, edges=edges, features=features, hidden=hidden)

        self.norm_0, self.norm_1 = nn.BatchNorm2d(channels_in), nn.BatchNorm2d(middle)
        self.kernels_0, self.kernels_1 = predictor(9 * channels_in), predictor(9 * middle)
        self.gate_0, self.gate_1 = predictor(middle), predictor(channels_out)
        self.product_0, self.product_1 = PredictedConv2d(), PredictedConv2d()
        self.conv_0, self.conv_1 = nn.Conv2d(channels_in, middle, 1), nn.Conv2d(middle, channels_out, 1)
        self.norm_s: FeatureSPADE | None = None
        self.conv_s: nn.Module | None = None
        if channels_in != channels_out:
            self.norm_s = FeatureSPADE(channels_in, num_classes, edges=edges, features=features, hidden=hidden)
            self.conv_s = spectral_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False))
        self.unread = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (middle, channels_in, middle))

    def forward(self, x: Tensor, view: Semantics, features: Tensor) -> Tensor:
        """Shortcut plus main path. Of x there may be several batches for one of label maps."""
        shortcut = x
        if self.norm_s is not None:
            shortcut = cast(nn.Module, self.conv_s)(self.norm_s(x, view, features))
        x = self._half(x, view, features, 0)
        return shortcut + self._half(x, view, features, 1)

    def _half(self, x: Tensor, view: Semantics, features: Tensor, index: int) -> Tensor:
        norm, kernels, product, conv, gate = (getattr(self, f"{name}_{index}")
                                              for name in ("norm", "kernels", "product", "conv", "gate"))
        x = norm(x)
        if torch.is_grad_enabled() or is_plain() or torch.compiler.is_exporting():
            x = product(x, spread(kernels(view, features), len(x)))
        else:
            x = _by_position(kernels, x, view, features)
        return F.leaky_relu(conv(x) * spread(torch.sigmoid(gate(view, features)), len(x)), 0.2)


def _by_position(kernels: Predictor, x: Tensor, view: Semantics, features: Tensor) -> Tensor:
    """The same product without gradients, one position of the window after the other: never are all kernels there."""
    hidden = F.relu(kernels.hidden(view, features))
    layer = kernels.output

    def kernel(k: int) -> Tensor:
        bias = None if layer.bias is None else layer.bias[k::9]
        return spread(F.conv2d(hidden, layer.weight[k::9], bias, padding=1), len(x)).to(x.dtype)

    return sum_of_products(x, kernel)


def spread(maps: Tensor, count: int) -> Tensor:
    """What is predicted for N label maps, for a multiple of as many pictures: each map again after all."""
    return maps if len(maps) == count else maps.repeat(count // len(maps), 1, 1, 1)
