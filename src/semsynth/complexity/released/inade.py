"""The released INADE: the numbers of its instance at every pixel."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.released.block import ReleasedNorm
from semsynth.complexity.released.maps import Maps
from semsynth.complexity.released.spade import PublishedNorm, PublishedSPADE
from semsynth.generators.inade import INADEGenerator
from semsynth.norms.inade import INADE
from semsynth.semantics import Semantics
from semsynth.semantics.regions import by_region
from semsynth.style import Style


class PublishedINADENorm(ReleasedNorm):
    """The norm as published: coefficients by the class of each pixel, noise by its instance.

    The linear layer of the noise is computed once for each instance; published code may do more.
    """

    def __init__(self, norm: INADE) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Normalise and modulate."""
        assert style is not None
        norm, resized = self.norm, maps.at(*x.shape[-2:])
        codes = style.classes if style.instances is None else style.instances
        assert codes is not None
        assert resized.regions is not None
        drawn = norm.project(codes.to(norm.weight).unflatten(2, (2, norm.noise)))  # (N,I,2,C)
        classes, regions = resized.condition(False).argmax(1), resized.regions[:, 0].long()
        gamma, beta = (torch.addcmul(_by_class(classes, norm.bias[..., k]), _by_class(classes, norm.weight[..., k]),
                                     by_region(drawn[:, :, k], regions)) for k in (0, 1))
        out: Tensor = norm.base(x) * gamma + beta
        return out


def _by_class(classes: Tensor, table: Tensor) -> Tensor:
    """The row (K,C) of the class of every pixel, (N,C,H,W)."""
    return F.embedding(classes, table).permute(0, 3, 1, 2)


def _published(norm: nn.Module) -> ReleasedNorm:
    return PublishedINADENorm(norm) if isinstance(norm, INADE) else PublishedNorm(norm)


class PublishedINADE(PublishedSPADE):
    """A generator as published, with the layers of one of ours, which stays as it is and shares all weights.

    Raises:
        ValueError: a norm that the papers do not have.
    """

    def __init__(self, generator: INADEGenerator) -> None:
        super().__init__(generator, _published)

    @staticmethod
    def _maps(semantics: Semantics, style: Style | None, noise: int) -> Maps:
        by_instance = style is not None and style.instances is not None
        regions = semantics.regions().index if by_instance else semantics.labels
        return replace(Maps.of(semantics), regions=regions[:, None].float())
