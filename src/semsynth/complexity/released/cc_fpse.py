"""The released CC-FPSE: predicted kernels exist at every pixel, and features are unfolded for them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.released.maps import Maps
from semsynth.generators.base import BaseGenerator
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.label_pyramid import LabelPyramid
from semsynth.generators.predicted_block import PredictedBlock
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style


def _convolved(layer: Any, channels: Tensor) -> Tensor:
    """A 3x3 convolution of label maps (`LabelConv2d`), of their channels."""
    return F.conv2d(channels, layer.weight, layer.bias, padding=1)


def unfolded_product(x: Tensor, kernels: Tensor) -> Tensor:
    """Depthwise 3x3 convolution of x (N,C,H,W) with kernels (N,9*C,H,W) of each pixel, by unfolding.

    >>> kernels = torch.zeros(1, 9, 2, 2)
    >>> kernels[:, 4] = 2
    >>> unfolded_product(torch.ones(1, 1, 2, 2), kernels).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    n, c, h, w = x.shape
    windows = F.unfold(x, 3, padding=1).view(n, c, 9, h, w)
    return (windows * kernels.view(n, c, 9, h, w)).sum(2)


class PublishedPredictedBlock(nn.Module):
    """A block as published, with the layers of one of ours: x (N,C,H,W) and a condition (N,K[+1]+F,H,W)."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, PredictedBlock)
        self.block = block

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Shortcut plus main path."""
        block: Any = self.block
        shortcut = x if block.norm_s is None else block.conv_s(self._spade(block.norm_s, x, condition))
        x = self._half(x, condition, 0)
        return shortcut + self._half(x, condition, 1)

    def _half(self, x: Tensor, condition: Tensor, index: int) -> Tensor:
        norm, kernels, conv, gate = (getattr(self.block, f"{name}_{index}") for name in
                                     ("norm", "kernels", "conv", "gate"))
        x = conv(unfolded_product(norm(x), self._predicted(kernels, condition)))
        return F.leaky_relu(x * torch.sigmoid(self._predicted(gate, condition)), 0.2)

    @staticmethod
    def _predicted(predictor: Any, condition: Tensor) -> Tensor:
        predicted: Tensor = predictor.output(F.relu(_convolved(predictor.hidden, condition)))
        return predicted

    @staticmethod
    def _spade(norm: Any, x: Tensor, condition: Tensor) -> Tensor:
        hidden = F.relu(_convolved(norm.shared, condition))
        modulated: Tensor = norm.base(x) * (1 + norm.gamma(hidden)) + norm.beta(hidden)
        return modulated


class PublishedCCFPSE(BaseGenerator):
    """The generator as published, with the layers of ours, which stays as it is and shares all weights."""

    def __init__(self, generator: CCFPSEGenerator) -> None:
        super().__init__(generator.size, generator.out_channels)
        self.fc, self.pyramid, self.conv_img = generator.fc, generator.pyramid, generator.conv_img
        self.blocks = nn.ModuleList(PublishedPredictedBlock(block) for block in generator.blocks.values())
        self._upsample, self._stride = list(generator._upsample), 2 ** generator.upsamplings
        self.z_dim, self.styled, self.edges = generator.z_dim, generator.styled, generator.edges
        self.draw_style = generator.draw_style  # type: ignore[method-assign]

    def readings(self, h: int, w: int) -> list[Reading]:
        """None: label maps are not prepared, every block resizes them anew."""
        return []

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images (N,3,H,W) in [-1,1]."""
        style = self.draw_style(len(semantics), semantics) if style is None else style
        maps = Maps.of(semantics)
        features = self._features(self.pyramid, maps)
        x, level = self._start(maps, None if style is None else style.vector), 0
        for upsample, block in zip(self._upsample, self.blocks, strict=True):
            if upsample:
                x, level = F.interpolate(x, scale_factor=2.0, mode="nearest"), level + 1
            condition = maps.at(*x.shape[-2:]).condition(self.edges)
            x = block(x, torch.cat([condition, features[level]], 1))
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))

    def _features(self, pyramid: LabelPyramid, maps: Maps) -> list[Tensor]:
        """The features of the label maps, smallest first."""
        first: Any = pyramid.encoders[0]
        down: list[Tensor] = [first[1:](_convolved(first[0], maps.condition(self.edges)))]
        for encoder in pyramid.encoders[1:]:
            down.append(encoder(down[-1]))
        up = [down.pop()]
        for lateral, decoder in zip(pyramid.laterals, pyramid.decoders, strict=True):
            up.append(decoder(F.interpolate(up[-1], scale_factor=2.0, mode="nearest") + lateral(down.pop())))
        return up

    def _start(self, maps: Maps, z: Tensor | None) -> Tensor:
        n, _, height, width = maps.channels.shape
        h, w = height // self._stride, width // self._stride
        if not self.z_dim:
            return _convolved(self.fc, maps.at(h, w).condition(self.edges))
        grid: Tensor = self.fc(z).view(n, -1, h, w)
        return grid
