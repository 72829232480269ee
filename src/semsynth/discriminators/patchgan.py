"""The multi-scale PatchGAN discriminator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.layers.init import initialise, spectral_norm
from semsynth.semantics import Semantics


class PatchDiscriminator(nn.Module):
    """One scale (arXiv:1903.07291): (N,channels,H,W) -> the maps of all layers, the prediction (N,1,h,w) last.

    4x4 convolutions with padding 2: stride 2 to ndf without norm; then stride 2 with spectral and instance norm,
    doubling up to 8*ndf, the last of these with stride `last_stride`; then stride 1 to one channel. LeakyReLU 0.2
    between.

    >>> [tuple(m.shape) for m in PatchDiscriminator(channels=5, ndf=4)(torch.randn(2, 5, 16, 16))]
    [(2, 4, 9, 9), (2, 8, 5, 5), (2, 16, 3, 3), (2, 32, 4, 4), (2, 1, 5, 5)]
    """

    def __init__(self, channels: int, ndf: int = 64, num_layers: int = 4, last_stride: int = 1) -> None:
        super().__init__()
        widths = [min(ndf * 2 ** i, 8 * ndf) for i in range(num_layers)]
        self.layers = nn.ModuleList([nn.Sequential(nn.Conv2d(channels, ndf, 4, stride=2, padding=2),
                                                   nn.LeakyReLU(0.2))])
        for i in range(1, num_layers):
            stride = last_stride if i == num_layers - 1 else 2
            conv = spectral_norm(nn.Conv2d(widths[i - 1], widths[i], 4, stride=stride, padding=2, bias=False))
            self.layers.append(nn.Sequential(conv, nn.InstanceNorm2d(widths[i]), nn.LeakyReLU(0.2)))
        self.layers.append(nn.Conv2d(widths[-1], 1, 4, padding=2))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Every layer's output, in order."""
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return maps


class MultiscaleDiscriminator(nn.Module):
    """PatchGANs at several scales over the concatenated label map and image (arXiv:1711.11585, 1903.07291).

    >>> network = MultiscaleDiscriminator(num_classes=2, ndf=4)
    >>> semantics = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2)
    >>> maps = network(semantics, torch.randn(2, 3, 16, 16))  # a fake and a real image of one label map
    >>> [tuple(scale[-1].shape) for scale in maps]
    [(2, 1, 5, 5), (2, 1, 4, 4)]

    Shapes:
        semantics: Labels (N,H,W).
        images: (M*N,3,H,W), M = 1 or more; the label maps repeat, so that fake and real pass as one batch.
        output: A list over scales (full size first, then halved by average pooling) of lists of maps of M*N samples,
            the prediction last.

    Args:
        num_classes: Label channels, the unknown class included.
        edges: Whether the instance edges are one more input channel.
        conditional: Whether it sees the label maps; otherwise the images alone, as where they do not belong together.
        image_channels: Channels of the image.
        ndf: Width of the first layer.
        num_layers: Layers before the prediction.
        last_stride: Of the last of these: 1 in SPADE, 2 in SEAN (arXiv:1911.12861).
        num_scales: Number of discriminators.
        init_gain: Gain of the Xavier-normal initialisation.
    """

    answers = "verdicts"

    def __init__(self, num_classes: int, *, edges: bool = False, conditional: bool = True, image_channels: int = 3,
                 ndf: int = 64, num_layers: int = 4, last_stride: int = 1, num_scales: int = 2,
                 init_gain: float = 0.02) -> None:
        super().__init__()
        self.edges, self.conditional = edges, conditional
        channels = (num_classes + edges) * conditional + image_channels
        self.scales = nn.ModuleList(PatchDiscriminator(channels, ndf, num_layers, last_stride)
                                    for _ in range(num_scales))
        initialise(self, init_gain)

    def from_full_size(self) -> list[nn.Module]:
        """The discriminators, that of the full size first."""
        return list(self.scales)

    def forward(self, semantics: Semantics, images: Tensor) -> list[list[Tensor]]:
        """Maps of every scale."""
        x = images
        if self.conditional:
            condition = semantics.one_hot(edges=self.edges, dtype=images.dtype)
            x = torch.cat([condition.repeat(len(images) // len(condition), 1, 1, 1), images], 1)
        outputs = []
        for index, scale in enumerate(self.from_full_size()):
            if index:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            outputs.append(scale(for_convolutions(x)))
        return outputs
