"""What perceptual losses share: a frozen network whose feature maps of fake and real are compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs


class FrozenFeatures(nn.Module, ABC):
    """Weighted L1 of feature maps (arXiv:1603.08155), without gradients into the network or the real image.

    The network is frozen, stays in evaluation mode and appears in neither `state_dict` nor `parameters`.

    >>> from semsynth.semantics import Semantics
    >>> class Itself(nn.Module):
    ...     def forward(self, x): return [x]
    >>> class PixelLoss(FrozenFeatures):
    ...     def prepared(self, image): return image
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> PixelLoss(Itself(), layer_weights=[2.0], weight=1.0)(LossInputs(semantics, image, image + 0.5, [], [])).item()
    1.0

    Args:
        network: Image -> list of maps.
        layer_weights: Of the maps.
        weight: The term's weight.
    """

    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, network: nn.Module, layer_weights: Sequence[float], weight: float) -> None:
        super().__init__()
        self.layer_weights, self.weight = tuple(layer_weights), weight
        # A tuple hides the frozen network from state_dict, parameters and train().
        self._frozen = (network.eval().requires_grad_(False),)

    @property
    def network(self) -> nn.Module:
        """The frozen network: image -> maps."""
        return self._frozen[0]

    def _apply(self, fn: Any, recurse: bool = True) -> FrozenFeatures:
        self.network._apply(fn, recurse)
        return super()._apply(fn, recurse)

    @abstractmethod
    def prepared(self, image: Tensor) -> Tensor:
        """An RGB image (N,3,H,W) in [-1, 1] as the network takes it."""

    def features(self, image: Tensor) -> list[Tensor]:
        """The maps of an image (N,3,H,W) in [-1, 1]; one-channel images are repeated."""
        found: list[Tensor] = self.network(self.prepared(image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image))
        return found

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        with torch.no_grad():
            targets = self.features(inputs.real)
        distances = [w * F.l1_loss(fake.float(), real.float())
                     for w, fake, real in zip(self.layer_weights, self.features(inputs.fake), targets, strict=True)]
        return torch.stack(distances).sum()
