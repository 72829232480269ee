"""The feature-pyramid semantics-embedding discriminator of CC-FPSE."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.layers.init import initialise, spectral_norm
from semsynth.semantics import Semantics

STRIDE = 32  # of the smallest features
FINEST = 4  # of the finest predictions


def _layer(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(spectral_norm(conv), nn.InstanceNorm2d(channels_out), nn.LeakyReLU(0.2))


class FPSEDiscriminator(nn.Module):
    """FPSE (arXiv:1910.06809): images alone go through a feature pyramid, label maps meet it at the predictions.

    Down: five 3x3 convolutions of stride 2. Up: 1x1 convolutions of the last four, each added to the coarser ones
    upsampled (bilinear, x2); a 3x3 convolution at 1/4, 1/8 and 1/16 of the size. All with spectral and instance norm
    and LeakyReLU 0.2. There, with one set of weights: prediction = 1x1 convolution + the product over channels of
    another one with an embedding of the classes, averaged over the pixels of each position.

    The embedding is linear, so that it is made of the classes' shares of the finest positions, a 16th of the pixels.

    >>> network = FPSEDiscriminator(num_classes=2, ndf=4)
    >>> semantics = Semantics(torch.zeros(1, 64, 64, dtype=torch.int64), 2)
    >>> maps = network(semantics, torch.randn(2, 3, 64, 64))  # a fake and a real image of one label map
    >>> [[tuple(m.shape) for m in scale] for scale in maps]  # doctest: +NORMALIZE_WHITESPACE
    [[(2, 8, 16, 16), (2, 16, 8, 8), (2, 32, 4, 4), (2, 32, 2, 2), (2, 1, 16, 16)], [(2, 1, 8, 8)], [(2, 1, 4, 4)]]

    Shapes:
        semantics: Labels (N,H,W).
        images: (M*N,3,H,W), M = 1 or more; the label maps repeat, so that fake and real pass as one batch.
        output: A list over the three sizes, the largest first, of lists of maps of M*N samples, the prediction
            (M*N,1,h,w) last; before the first one the four maps on the way down that feature matching compares.

    Args:
        num_classes: Label channels, the unknown class included.
        edges: Whether the instance edges are embedded, too.
        image_channels: Channels of the image.
        ndf: Width of the first layer.
        init_gain: Gain of the Xavier-normal initialisation.
    """

    answers = "verdicts"
    class_indexed = {"embedding.weight": 1}

    def __init__(self, num_classes: int, *, edges: bool = False, image_channels: int = 3, ndf: int = 64,
                 init_gain: float = 0.02) -> None:
        super().__init__()
        self.edges = edges
        widths = [ndf, 2 * ndf, 4 * ndf, 8 * ndf, 8 * ndf]
        self.encoders = nn.ModuleList(_layer(a, b, 3, 2) for a, b in pairwise([image_channels, *widths]))
        self.laterals = nn.ModuleList(_layer(width, 4 * ndf, 1) for width in widths[1:])
        self.decoders = nn.ModuleList(_layer(4 * ndf, 2 * ndf, 3) for _ in range(3))
        self.score = nn.Conv2d(2 * ndf, 1, 1)
        self.match = nn.Conv2d(2 * ndf, 2 * ndf, 1)
        self.embedding = nn.Conv2d(num_classes + edges, 2 * ndf, 1)
        initialise(self, init_gain)

    def forward(self, semantics: Semantics, images: Tensor) -> list[list[Tensor]]:
        """Maps and predictions.

        Raises:
            ValueError: images whose sides are no multiples of 32, or too small for instance norms.
        """
        h, w = images.shape[-2:]
        if h % STRIDE or w % STRIDE or h * w <= STRIDE ** 2:
            raise ValueError(f"discriminator=fpse reads images whose sides are multiples of {STRIDE}, of more than "
                             f"{STRIDE}x{STRIDE}, got {h}x{w}: take another size, or discriminator=patchgan")
        down, x = [], for_convolutions(images)
        for encoder in self.encoders:
            x = encoder(x)
            down.append(x)
        top, embedded = self._top_down(down[1:]), self.embedding(self._shares(semantics, images.dtype))
        scales: list[list[Tensor]] = []
        for decoder, x in zip(self.decoders, top, strict=True):
            if scales:
                embedded = F.avg_pool2d(embedded, 2)
            x = decoder(x)
            matched = self.match(x).unflatten(0, (-1, len(embedded)))
            scales.append([self.score(x) + (matched * embedded).sum(2, keepdim=True).flatten(0, 1)])
        return [[*down[1:], *scales[0]], *scales[1:]]

    def _top_down(self, down: list[Tensor]) -> list[Tensor]:
        """The pyramid's maps at 1/4, 1/8 and 1/16 of the size, from those on the way down."""
        *finer, x = [lateral(x) for lateral, x in zip(self.laterals, down, strict=True)]
        top: list[Tensor] = []
        for lateral in reversed(finer):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False) + lateral
            top.insert(0, x)
        return top

    def _shares(self, semantics: Semantics, dtype: torch.dtype) -> Tensor:
        """What part of each finest position the classes have, and the edges: (N,K[+1],H/4,W/4)."""
        if semantics.probabilities is not None:
            return F.avg_pool2d(semantics.one_hot(edges=self.edges, dtype=dtype), FINEST)
        n, h, w = semantics.labels.shape
        cells = semantics.labels.view(n, h // FINEST, FINEST, w // FINEST, FINEST).transpose(2, 3).flatten(3)
        shares = torch.zeros(*cells.shape[:3], semantics.num_classes, dtype=dtype, device=cells.device)
        shares.scatter_add_(3, cells, torch.full_like(cells, 1, dtype=dtype)).div_(FINEST ** 2)
        classes = shares.permute(0, 3, 1, 2)
        if not self.edges:
            return classes
        return torch.cat([classes, F.avg_pool2d(semantics.require_edges().to(dtype), FINEST)], 1)
