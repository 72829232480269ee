"""Discriminator feature matching."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs


class FeatureMatching(nn.Module):
    """Feature matching (arXiv:1711.11585): L1 between D's intermediate maps of fake and real.

    The mean a map, summed over the maps of a scale (the prediction left out), divided by the number of scales, as SPADE
    weights it; no gradient to the real maps.
    """

    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        distances = [(fake.float() - real.detach().float()).abs().mean()
                     for fakes, reals in zip(inputs.fake_maps, inputs.real_maps, strict=True)
                     for fake, real in zip(fakes[:-1], reals[:-1], strict=True)]
        return torch.stack(distances).sum() / len(inputs.fake_maps)
