"""Features of a label map at all sizes, each of which has seen the whole map."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.label_convolution import LabelConv2d
from semsynth.layers.init import spectral_norm
from semsynth.semantics import Semantics


def _layer(conv: nn.Module, width: int) -> nn.Sequential:
    return nn.Sequential(spectral_norm(conv), nn.BatchNorm2d(width), nn.LeakyReLU(0.2))


class LabelPyramid(nn.Module):
    """The feature pyramid of CC-FPSE (arXiv:1910.06809): label maps to features (N,width,h,w), smallest first.

    Down: 3x3 convolutions, the first at full size and the others of stride 2. Up again, from the smallest: upsampled
    (nearest, x2), plus a 1x1 convolution of what was made at that size on the way down, then a 3x3 convolution. All
    with spectral norm, batch norm (with scale and shift) and LeakyReLU 0.2.

    >>> import torch
    >>> pyramid, labels = LabelPyramid(num_classes=2, levels=3, width=4), torch.zeros(2, 16, 16, dtype=torch.int64)
    >>> [tuple(features.shape) for features in pyramid(Semantics(labels, 2))]
    [(2, 4, 4, 4), (2, 4, 8, 8), (2, 4, 16, 16)]

    Args:
        num_classes: Label channels, the unknown class included.
        levels: Number of sizes.
        edges: Whether the instance edges are read, too.
        width: Channels of the features.
    """

    class_indexed = {"encoders.0.0.parametrizations.weight.original": 1,
                     "encoders.0.0.parametrizations.weight.0._v": 0}  # which the first iteration makes anew

    def __init__(self, num_classes: int, levels: int, *, edges: bool = False, width: int = 64) -> None:
        super().__init__()
        self.encoders = nn.ModuleList([_layer(LabelConv2d(num_classes, width, edges=edges, bias=False), width)])
        for _ in range(levels - 1):
            conv = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False)
            self.encoders.append(_layer(conv, width))
        self.laterals = nn.ModuleList(_layer(nn.Conv2d(width, width, 1, bias=False), width) for _ in range(levels - 1))
        self.decoders = nn.ModuleList(_layer(nn.Conv2d(width, width, 3, padding=1, bias=False), width)
                                      for _ in range(levels - 1))

    def forward(self, semantics: Semantics) -> list[Tensor]:
        """The features of label maps whose sides the strides divide."""
        first, *others = self.encoders
        down: list[Tensor] = [first(semantics)]
        for encoder in others:
            down.append(encoder(down[-1]))
        up = [down.pop()]
        for lateral, decoder in zip(self.laterals, self.decoders, strict=True):
            upsampled = F.interpolate(up[-1], scale_factor=2.0, mode="nearest")
            up.append(decoder(upsampled + lateral(down.pop())))
        return up
