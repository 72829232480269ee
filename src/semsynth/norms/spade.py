"""SPADE: spatially-adaptive normalisation."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.semantics import Semantics


class SPADE(Norm):
    """SPADE (arXiv:1903.07291): gamma and beta are convolutions of the label map.

    out = norm(x) * (1 + gamma(m)) + beta(m), x (N,C,H,W). A shared k x k convolution of the one-hot map (and the
    instance edges) to ``hidden`` channels with ReLU feeds two k x k convolutions to C channels. No spectral norm here.

    Raises:
        ValueError: the kernel size is even, or edges are wanted and absent.
    """

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False,
                 hidden: int = 128, kernel_size: int = 3) -> None:
        super().__init__(channels, num_classes, base)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd to keep the map's size, got {kernel_size}")
        self.edges = edges
        pad = kernel_size // 2
        self.shared = nn.Conv2d(num_classes + edges, hidden, kernel_size, padding=pad)
        self.gamma = nn.Conv2d(hidden, channels, kernel_size, padding=pad)
        self.beta = nn.Conv2d(hidden, channels, kernel_size, padding=pad)

    def modulation(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Gamma and beta, each (N,C,H,W), of the view given."""
        hidden = F.relu(self.shared(semantics.one_hot(edges=self.edges, dtype=self.shared.weight.dtype)))
        return self.gamma(hidden), self.beta(hidden)

    def forward(self, x: Tensor, semantics: Semantics) -> Tensor:
        """Normalise, then modulate with the label map at x's size."""
        gamma, beta = self.modulation(semantics.at(*x.shape[-2:]))
        # "1 +": the last convolution starts near zero, so that training starts from the plain norm.
        return self.base(x) * (1 + gamma) + beta
