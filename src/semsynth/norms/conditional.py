"""Norms conditioned on a whole image instead of a label map: conditional BN / IN, AdaIN, and none at all."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.semantics import Semantics


class ConditionalNorm(nn.Module):
    """Conditional batch (arXiv:1610.07629) or instance norm: one gamma, beta row for each image-level class.

    x (N,C,H,W), classes (N,) int64 -> norm(x) * gamma[class] + beta[class].

    >>> norm = ConditionalNorm(4, num_classes=3)
    >>> norm.gamma.data[2], norm.beta.data[2] = 0, 5
    >>> y = norm(torch.randn(2, 4, 16, 16), torch.tensor([0, 2]))  # the second picture is of class 2
    >>> tuple(y.shape), y[1].unique().tolist()
    ((2, 4, 16, 16), [5.0])
    """

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm) -> None:
        super().__init__()
        self.base = base(channels)
        self.gamma = nn.Parameter(torch.ones(num_classes, channels))
        self.beta = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Normalise, then scale and shift every position alike."""
        return torch.addcmul(self.beta[classes][..., None, None], self.base(x), self.gamma[classes][..., None, None])


def adain(x: Tensor, style: Tensor, eps: float = 1e-5) -> Tensor:
    """AdaIN (arXiv:1703.06868): x (N,C,H,W) gets the per-channel mean and deviation of style (N,C,h,w)."""
    variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
    style_variance, style_mean = torch.var_mean(style, dim=(2, 3), keepdim=True, correction=0)
    return (x - mean) * ((style_variance + eps) / (variance + eps)).sqrt() + style_mean


class Unconditional(Norm):
    """A learned scale and shift a channel, blind to the label map: the baseline that washes semantics away.

    Over instance norm, a flat mask gives the same output for every class (arXiv:1903.07291, Section 3).

    >>> norm = Unconditional(4, num_classes=2, base=nn.InstanceNorm2d)
    >>> flat = [Semantics(torch.full((1, 16, 16), k), 2) for k in (0, 1)]
    >>> x = torch.randn(1, 4, 16, 16)
    >>> torch.equal(norm(x, flat[0]), norm(x, flat[1]))
    True
    """

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm) -> None:
        super().__init__(channels, num_classes, base)
        self.gamma = nn.Parameter(torch.ones(channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(channels, 1, 1))

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """The same everywhere."""
        return self.gamma, self.beta
