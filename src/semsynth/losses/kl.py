"""Kullback-Leibler divergence of the style posterior."""

from __future__ import annotations

from torch import Tensor, nn

from semsynth.losses.step import Step


class KLDivergence(nn.Module):
    """KL of N(mu, exp(logvar)) from N(0, 1), *summed* over batch and dimensions as published (arXiv:1903.07291).

    It therefore grows with the batch. Zero without a style encoder.
    """

    def __init__(self, weight: float = 0.05) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, step: Step) -> Tensor:
        """Scalar, unweighted."""
        if step.mu is None or step.logvar is None:
            return step.fake.new_zeros(())
        mu, logvar = step.mu.float(), step.logvar.float()
        return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
