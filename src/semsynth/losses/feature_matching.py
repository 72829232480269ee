"""Discriminator feature matching."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs


class FeatureMatching(nn.Module):
    """Feature matching (arXiv:1711.11585): L1 between D's intermediate maps of fake and real.

    The mean a map, summed over the maps of a scale (the prediction left out), divided by the number of scales, as SPADE
    weights it; no gradient to the real maps.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> prediction = torch.randn(1, 1, 3, 3)
    >>> fake, real = ([[torch.full((1, 4, 9, 9), value), prediction]] * 2 for value in (0.0, 0.5))  # two scales
    >>> FeatureMatching()(LossInputs(semantics, image, image, fake_maps=fake, real_maps=real)).item()
    0.5

    Args:
        weight: Of the term in the total.
        first: The first of a scale's maps that is compared, from 0 (INADE, arXiv:2103.10868, takes the last alone).
    """

    asks = "maps"  # of any discriminator
    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, weight: float = 10.0, first: int = 0) -> None:
        super().__init__()
        self.weight, self.first = weight, first

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return distances(inputs, self.first).sum() / len(inputs.fake_maps)


def distances(inputs: LossInputs, first: int = 0) -> Tensor:
    """The mean L1 distances (M,) of D's maps of all scales, the predictions left out; no gradient to the real maps.

    Raises:
        ValueError: no scale has a map from `first` on.
    """
    most = max(len(maps) for maps in inputs.fake_maps) - 1
    if most <= first:
        raise ValueError(f"feature matching from map {first} on: the discriminator has {most} before its prediction; "
                         "take a smaller first, a discriminator with more layers, or a loss without feature matching")
    return torch.stack([(fake.float() - real.detach().float()).abs().mean()
                        for fakes, reals in zip(inputs.fake_maps, inputs.real_maps, strict=True)
                        for fake, real in zip(fakes[first:-1], reals[first:-1], strict=True)])
