"""The multi-scale discriminator of pix2pixHD: without spectral norm."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.layers.init import initialise_normal


class PlainPatchDiscriminator(nn.Module):
    """One scale (arXiv:1711.11585): (N,channels,H,W) -> the maps of all layers, the prediction (N,1,h,w) last.

    The layers of `PatchDiscriminator` without spectral norm, their biases kept.

    >>> import torch
    >>> [tuple(m.shape) for m in PlainPatchDiscriminator(channels=5, ndf=4)(torch.randn(2, 5, 32, 32))]
    [(2, 4, 17, 17), (2, 8, 9, 9), (2, 16, 5, 5), (2, 32, 6, 6), (2, 1, 7, 7)]
    """

    def __init__(self, channels: int, ndf: int = 64, num_layers: int = 4) -> None:
        super().__init__()
        widths = [channels, *(min(ndf * 2 ** i, 8 * ndf) for i in range(num_layers)), 1]
        strides = [2] * (num_layers - 1) + [1, 1]
        self.layers = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 4, stride=stride, padding=2)
                                    for i, stride in enumerate(strides))

    @property
    def class_indexed(self) -> dict[str, int]:
        """Names of its parameters with one entry a class, and the dimension of these; the image follows."""
        return {"layers.0.weight": 1}

    def forward(self, x: Tensor) -> list[Tensor]:
        """Every layer's output, in order."""
        maps = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index < len(self.layers) - 1:
                x = F.leaky_relu(x if index == 0 else F.instance_norm(x), 0.2)
            maps.append(x)
        return maps


class Pix2PixHDDiscriminator(MultiscaleDiscriminator):
    """PatchGANs without spectral norm at several scales (arXiv:1711.11585).

    As released, the discriminator of the smallest size comes first among the weights; the maps that it answers with
    are those of the full size first, as everywhere.

    >>> import torch
    >>> from semsynth.semantics import Semantics
    >>> network = Pix2PixHDDiscriminator(num_classes=2, ndf=4)
    >>> semantics = Semantics(torch.zeros(1, 32, 32, dtype=torch.int64), 2)
    >>> [tuple(scale[-1].shape) for scale in network(semantics, torch.randn(2, 3, 32, 32))]
    [(2, 1, 7, 7), (2, 1, 5, 5)]

    Args:
        num_classes: Label channels, the unknown class included.
        edges: Whether the instance edges are one more input channel.
        image_channels: Channels of the image.
        ndf: Width of the first layer.
        num_layers: Layers before the prediction, the last of stride 1; 4 as released (where they count 3).
        num_scales: Number of discriminators, 3 in the paper.
        init_deviation: Standard deviation of the initial weights.
    """

    def __init__(self, num_classes: int, *, edges: bool = False, image_channels: int = 3, ndf: int = 64,
                 num_layers: int = 4, num_scales: int = 2, init_deviation: float = 0.02) -> None:
        super().__init__(num_classes, edges=edges, image_channels=image_channels, num_scales=0)
        channels = num_classes + edges + image_channels
        self.scales = nn.ModuleList(PlainPatchDiscriminator(channels, ndf, num_layers) for _ in range(num_scales))
        initialise_normal(self, init_deviation)

    def from_full_size(self) -> list[nn.Module]:
        """The discriminators, that of the full size first."""
        return list(self.scales)[::-1]
