"""Adversarial losses of a multi-scale discriminator, and the objectives they can take."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs, Maps, UnpairedLossInputs


class Objective(Protocol):
    """A pair of formulas over predictions of any shape; each gives a scalar."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator minimises: the real and the fake term summed, without a factor 1/2."""

    def generator(self, fake: Tensor) -> Tensor:
        """What the generator minimises."""


class Hinge:
    """Hinge loss (arXiv:1705.02894), the published choice."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean(max(0, 1 - real)) + mean(max(0, 1 + fake))."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-mean(fake)."""
        return -fake.mean()


class LeastSquares:
    """Least squares (arXiv:1611.04076) to targets 1 and 0."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean((real - 1)^2) + mean(fake^2)."""
        return (real - 1).square().mean() + fake.square().mean()

    def generator(self, fake: Tensor) -> Tensor:
        """mean((fake - 1)^2)."""
        return (fake - 1).square().mean()


class Original:
    """The original, non-saturating loss (arXiv:1406.2661) on logits."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-mean(log sigmoid(real)) - mean(log(1 - sigmoid(fake)))."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-mean(log sigmoid(fake))."""
        return F.softplus(-fake).mean()


class Wasserstein:
    """Wasserstein critic (arXiv:1701.07875), without a gradient penalty: spectral norm bounds the slope."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean(fake) - mean(real)."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-mean(fake)."""
        return -fake.mean()


def _predictions(maps: Maps) -> list[Tensor]:
    # In float32: a mean over thousands of half-precision logits loses digits.
    return [scale[-1].float() for scale in maps]


class DiscriminatorAdversarial(nn.Module):
    """The objective's discriminator side: mean over positions and batch a scale, then over scales."""

    def __init__(self, objective: Objective, weight: float = 1.0) -> None:
        super().__init__()
        self.objective, self.weight = objective, weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return self._over_scales(inputs.real_maps, inputs.fake_maps)

    def _over_scales(self, real_maps: Maps, fake_maps: Maps) -> Tensor:
        pairs = zip(_predictions(real_maps), _predictions(fake_maps), strict=True)
        return torch.stack([self.objective.discriminator(real, fake) for real, fake in pairs]).mean()


class GeneratorAdversarial(nn.Module):
    """The objective's generator side: mean over positions and batch a scale, then over scales."""

    def __init__(self, objective: Objective, weight: float = 1.0) -> None:
        super().__init__()
        self.objective, self.weight = objective, weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return self._over_scales(inputs.fake_maps)

    def _over_scales(self, fake_maps: Maps) -> Tensor:
        return torch.stack([self.objective.generator(fake) for fake in _predictions(fake_maps)]).mean()


class LabelDiscriminatorAdversarial(DiscriminatorAdversarial):
    """The same for the second discriminator, which tells label maps m from segmentations S(x) of photographs."""

    needs = frozenset({"label_maps"})

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:  # type: ignore[override]
        """Scalar, unweighted."""
        assert inputs.real_label_maps is not None
        assert inputs.fake_label_maps is not None
        return self._over_scales(inputs.real_label_maps, inputs.fake_label_maps)


class LabelGeneratorAdversarial(GeneratorAdversarial):
    """The segmenter's side of the second discriminator: S(x) shall look like a label map."""

    needs = frozenset({"label_maps"})

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:  # type: ignore[override]
        """Scalar, unweighted."""
        assert inputs.fake_label_maps is not None
        return self._over_scales(inputs.fake_label_maps)
