"""Feature matching that weighs all maps alike."""

from __future__ import annotations

from torch import Tensor, nn

from semsynth.losses.feature_matching import distances
from semsynth.losses.inputs import LossInputs


class MeanFeatureMatching(nn.Module):
    """L1 between D's intermediate maps of fake and real: the mean a map, then over all maps (arXiv:1910.06809).

    `FeatureMatching` divides the sum by the number of scales instead, which would be that of CC-FPSE's predictions.
    No gradient to the real maps.

    >>> import torch
    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> zeros, prediction = torch.zeros(1, 4, 8, 8), torch.randn(1, 1, 8, 8)
    >>> fake, real = [[zeros, zeros, prediction], [prediction]], [[zeros + 1, zeros + 2, prediction], [prediction]]
    >>> MeanFeatureMatching()(LossInputs(semantics, image, image, fake_maps=fake, real_maps=real)).item()
    1.5
    """

    asks = "maps"  # of any discriminator
    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, weight: float = 20.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return distances(inputs).mean()
