"""UPerNet (arXiv:1807.10221) in the layout of MIT CSAIL: the judge of ADE20K."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from semsynth.segmenters.layers import conv_bn_relu, resize_like
from semsynth.segmenters.resnet import DeepStemResNet, kaiming


class UPerHead(nn.Module):
    """Pyramid pooling on the coarsest map, then a feature pyramid (arXiv:1612.03144) down to the finest one.

    Args:
        inputs: Channels of the encoder's maps, finest first.
        num_classes: Channels of the logits.
        channels: Channels of the feature pyramid: 512 in the published `upernet`, 256 in `upernet_lite`.
        pooled: Channels of each pooled branch.
        scales: Cells per side that are pooled.
    """

    def __init__(self, inputs: Sequence[int], num_classes: int, *, channels: int = 512, pooled: int = 512,
                 scales: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__()
        top = inputs[-1]
        self.ppm_pooling = nn.ModuleList(nn.AdaptiveAvgPool2d(s) for s in scales)
        self.ppm_conv = nn.ModuleList(conv_bn_relu(top, pooled, 1) for _ in scales)
        self.ppm_last_conv = conv_bn_relu(top + len(scales) * pooled, channels)
        self.fpn_in = nn.ModuleList(conv_bn_relu(c, channels, 1) for c in inputs[:-1])
        self.fpn_out = nn.ModuleList(nn.Sequential(conv_bn_relu(channels, channels)) for _ in inputs[:-1])
        self.conv_last = nn.Sequential(conv_bn_relu(len(inputs) * channels, channels),
                                       nn.Conv2d(channels, num_classes, 1))
        kaiming(self)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (N,K,h,w) at the size of the finest map."""
        top = maps[-1]
        # As published, averages are resized before their convolution here, and after it in the PPM head.
        branches = [convolve(resize_like(pool(top), top))
                    for pool, convolve in zip(self.ppm_pooling, self.ppm_conv, strict=True)]
        x = self.ppm_last_conv(torch.cat([top, *branches], dim=1))
        levels = [x]
        for lateral, smooth, below in reversed(list(zip(self.fpn_in, self.fpn_out, maps[:-1], strict=True))):
            side = lateral(below)
            x = side + resize_like(x, side)
            levels.insert(0, smooth(x))
        finest = levels[0]
        return self.conv_last(torch.cat([finest, *(resize_like(level, finest) for level in levels[1:])], dim=1))


class UPerNet(nn.Module):
    """Deep-stem ResNet and the UPerNet head: x (N,3,H,W) normalised -> logits (N,K,H/4,W/4).

    Args:
        num_classes: Channels of the logits.
        depth: 18, 50 or 101.
        channels: Channels of the feature pyramid.
    """

    def __init__(self, num_classes: int = 150, *, depth: int = 101, channels: int = 512) -> None:
        super().__init__()
        self.encoder = DeepStemResNet(depth)
        self.decoder = UPerHead(self.encoder.channels, num_classes, channels=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Logits at 1/4 of the size."""
        return self.decoder(self.encoder(x))

    def features(self, x: Tensor) -> Tensor:
        """The encoder's last map, (N,F,H/32,W/32)."""
        return self.encoder(x)[-1]
