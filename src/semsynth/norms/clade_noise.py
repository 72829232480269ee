"""CLADE whose classes look otherwise with every code that is drawn for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.norms.base import BaseNorm, batch_norm
from semsynth.norms.clade import CLADE, _rows
from semsynth.norms.noise import codes_by_class, noise_map, spread
from semsynth.semantics import Semantics


class CLADE_Noise(CLADE):
    """CLADE with noise by class in the form of INADE (arXiv:2103.10868); ours, no paper has it.

    gamma = Gamma[m] + V[m] * F(z), beta = Beta[m] + W[m] * F(z): z (noise,) is the code of the pixel's class in its
    picture, F one linear layer a norm, V and W banks of one row a class like CLADE's own. A vector for the whole
    picture serves for all of its classes, a map of noise for each pixel.

    >>> from semsynth.style import Style
    >>> labels = torch.arange(16).expand(1, 16, 16) // 8  # class 0 left, class 1 right
    >>> norm, x = CLADE_Noise(channels=4, num_classes=2, noise=3).eval(), torch.randn(1, 4, 16, 16)
    >>> style, other = (Style(classes=codes) for codes in torch.randn(2, 1, 2, 3))
    >>> before, after = (norm(x, Semantics(labels, 2), s) for s in (style, style.with_class(1, other)))
    >>> torch.equal((before != after).any(1), labels == 1)
    True
    """

    needs = frozenset({"classes by picture"})
    linear_in = None  # type: ignore[assignment]
    class_indexed = {"gamma": 0, "beta": 0, "noise_gamma": 0, "noise_beta": 0}
    reads_style = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, noise: int = 64) -> None:
        super().__init__(channels, num_classes, base)
        self.noise = self.class_codes = noise
        self.noise_gamma = nn.Parameter(torch.rand(num_classes, channels))
        self.noise_beta = nn.Parameter(torch.rand(num_classes, channels))
        self.project = nn.Linear(noise, channels)

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """The rows of the banks, by class at every pixel, and the noise's share."""
        if (codes := codes_by_class(style, self.noise)) is not None:
            projected = spread(self.project(codes.to(self.project.weight)), view)
        else:
            pixels = noise_map(style, view, self.noise).permute(0, 2, 3, 1)
            projected = self.project(pixels.to(self.project.weight)).permute(0, 3, 1, 2)
        gamma, beta = super().modulation(view)
        return gamma + _rows(self.noise_gamma, view) * projected, beta + _rows(self.noise_beta, view) * projected

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """The banks with the noise's share, a row for each class of each picture; None for soft maps and maps of noise.
        """
        if view.probabilities is not None or (codes := codes_by_class(style, self.noise)) is None:
            return None
        projected = self.project(codes.to(self.project.weight))  # (N,K,C), or (N,1,C) of the whole picture
        gamma, beta = ((bank + own * projected).flatten(0, 1) for bank, own in
                       ((self.gamma, self.noise_gamma), (self.beta, self.noise_beta)))
        return Modulation(gamma, beta, view.by_class(by_picture=True))
