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
    """Hinge loss (arXiv:1705.02894), the published choice.

    >>> real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.0])
    >>> Hinge().discriminator(real, fake).item(), Hinge().generator(fake).item()  # (0 + 0.5) / 2 + (0 + 1) / 2
    (0.75, 1.0)
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean(max(0, 1 - real)) + mean(max(0, 1 + fake))."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-mean(fake)."""
        return -fake.mean()


class LeastSquares:
    """Least squares (arXiv:1611.04076) to targets 1 and 0.

    >>> real, fake = torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 0.0])
    >>> LeastSquares().discriminator(real, fake).item(), LeastSquares().generator(fake).item()
    (1.0, 2.5)
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """mean((real - 1)^2) + mean(fake^2)."""
        return (real - 1).square().mean() + fake.square().mean()

    def generator(self, fake: Tensor) -> Tensor:
        """mean((fake - 1)^2)."""
        return (fake - 1).square().mean()


class Original:
    """The original, non-saturating loss (arXiv:1406.2661) on logits.

    >>> undecided = torch.zeros(2)
    >>> losses = Original().discriminator(undecided, undecided), Original().generator(undecided)
    >>> [round(loss.item(), 4) for loss in losses]  # 2 log 2, log 2
    [1.3863, 0.6931]
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-mean(log sigmoid(real)) - mean(log(1 - sigmoid(fake)))."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-mean(log sigmoid(fake))."""
        return F.softplus(-fake).mean()


class Wasserstein:
    """Wasserstein critic (arXiv:1701.07875), without a gradient penalty: spectral norm bounds the slope.

    >>> real, fake = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 0.0])
    >>> Wasserstein().discriminator(real, fake).item(), Wasserstein().generator(fake).item()
    (-2.5, 0.5)
    """

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
    """The objective's discriminator side: mean over positions and batch a scale, then over scales (or `summed`).

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> maps = {value: [[torch.full((1, 1, 5, 5), value)], [torch.zeros(1, 1, 3, 3)]] for value in (-1.0, 2.0)}
    >>> term = DiscriminatorAdversarial(Hinge())  # 0 at the first scale, which is sure and right; 2 at the second
    >>> term(LossInputs(semantics, image, image, fake_maps=maps[-1.0], real_maps=maps[2.0])).item()
    1.0
    """

    asks = "verdicts"

    def __init__(self, objective: Objective, *, summed: bool = False, weight: float = 1.0) -> None:
        super().__init__()
        self.objective, self.over, self.weight = objective, torch.sum if summed else torch.mean, weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return self._over_scales(inputs.real_maps, inputs.fake_maps)

    def _over_scales(self, real_maps: Maps, fake_maps: Maps) -> Tensor:
        pairs = zip(_predictions(real_maps), _predictions(fake_maps), strict=True)
        return self.over(torch.stack([self.objective.discriminator(real, fake) for real, fake in pairs]))


class GeneratorAdversarial(nn.Module):
    """The objective's generator side: mean over positions and batch a scale, then over scales (or `summed`).

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> maps = [[torch.full((1, 1, 5, 5), -1.0)], [torch.full((1, 1, 3, 3), 3.0)]]
    >>> GeneratorAdversarial(Hinge())(LossInputs(semantics, image, image, fake_maps=maps, real_maps=maps)).item()
    -1.0
    """

    asks = "verdicts"

    def __init__(self, objective: Objective, *, summed: bool = False, weight: float = 1.0) -> None:
        super().__init__()
        self.objective, self.over, self.weight = objective, torch.sum if summed else torch.mean, weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return self._over_scales(inputs.fake_maps)

    def _over_scales(self, fake_maps: Maps) -> Tensor:
        return self.over(torch.stack([self.objective.generator(fake) for fake in _predictions(fake_maps)]))


class LabelDiscriminatorAdversarial(DiscriminatorAdversarial):
    """The same for the second discriminator, which tells label maps m from segmentations S(x) of photographs.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> seen = {"real_label_maps": [[torch.ones(1, 1, 5, 5)]], "fake_label_maps": [[torch.zeros(1, 1, 5, 5)]]}
    >>> LabelDiscriminatorAdversarial(Hinge())(UnpairedLossInputs(semantics, image, image, [], [], **seen)).item()
    1.0
    """

    needs = frozenset({"label_maps"})

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:  # type: ignore[override]
        """Scalar, unweighted."""
        assert inputs.real_label_maps is not None
        assert inputs.fake_label_maps is not None
        return self._over_scales(inputs.real_label_maps, inputs.fake_label_maps)


class LabelGeneratorAdversarial(GeneratorAdversarial):
    """The segmenter's side of the second discriminator: S(x) shall look like a label map.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> seen = {"fake_label_maps": [[torch.full((1, 1, 5, 5), 0.5)]]}
    >>> LabelGeneratorAdversarial(Hinge())(UnpairedLossInputs(semantics, image, image, [], [], **seen)).item()
    -0.5
    """

    needs = frozenset({"label_maps"})

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:  # type: ignore[override]
        """Scalar, unweighted."""
        assert inputs.fake_label_maps is not None
        return self._over_scales(inputs.fake_label_maps)
