"""The style encoder that makes SPADE's generator a VAE."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.layers.doublings import doublings
from semsynth.layers.init import initialise, spectral_norm
from semsynth.semantics import Semantics
from semsynth.style import Posterior, Style


class StyleEncoder(nn.Module):
    """Image (N,3,H,W) in [-1,1] -> mean and log-variance, each (N,z_dim), of a Gaussian over styles (arXiv:1903.07291).

    The image is resized (bilinear, aspect not kept) to 256x256, or to the largest power of two that the shorter side of
    `size` holds where that is smaller, so that any crop size works; stride-2 3x3 convolutions (nef, 2, 4, 8, 8, 8)
    with spectral and instance norm bring it to 4x4; LeakyReLU 0.2 after each; two linear layers.

    >>> import torch
    >>> encoder = StyleEncoder(size=(16, 16), z_dim=8, nef=4)
    >>> style = encoder.encode(torch.randn(2, 3, 24, 16))  # any size
    >>> tuple(style.vector.shape), torch.equal(style.vector, style.posterior.mean)
    ((2, 8), True)
    >>> torch.equal(style.sampled().vector, style.vector)
    False

    Args:
        size: (H, W) of the training images.
        z_dim: Length of the style vector.
        nef: Width of the first layer.
        init_gain: Gain of the Xavier-normal initialisation.
    """

    def __init__(self, size: tuple[int, int] = (256, 256), *, z_dim: int = 256, nef: int = 64,
                 init_gain: float = 0.02) -> None:
        super().__init__()
        if min(size) < 8:
            raise ValueError(f"the style encoder needs images of 8 pixels or more, got size={list(size)}")
        self.z_dim = z_dim
        depth = doublings(size)
        self.resolution = 4 * 2 ** depth
        widths = [3] + [nef * min(2 ** i, 8) for i in range(depth)]
        self.layers = nn.Sequential(*(
            nn.Sequential(spectral_norm(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False)), nn.InstanceNorm2d(b),
                          nn.LeakyReLU(0.2))
            for a, b in pairwise(widths)))
        self.fc_mu = nn.Linear(16 * widths[-1], z_dim)
        self.fc_logvar = nn.Linear(16 * widths[-1], z_dim)
        initialise(self, init_gain)

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The style of images, on any device: its vector is the mean of the posterior, which `sampled` draws from."""
        mean, log_variance = self(image.to(self.fc_mu.weight))
        return Style(vector=mean, posterior=Posterior(mean, log_variance))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance."""
        target = (self.resolution, self.resolution)
        if image.shape[-2:] != target:
            image = F.interpolate(image, target, mode="bilinear", align_corners=False)
        features = self.layers(for_convolutions(image)).flatten(1)
        return self.fc_mu(features), self.fc_logvar(features)
