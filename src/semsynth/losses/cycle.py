"""Losses that take a photograph to a label map and back."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import UnpairedLossInputs


class CycleConsistency(nn.Module):
    """|G(S(x)) - x|, the mean over pixels: the future work of the Unpaired SPADE slides (cf. arXiv:1703.10593).

    The gradient passes through S(x), see `semsynth.training.unpaired.UnpairedSystem`.
    """

    needs = frozenset({"cycled"})

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:
        """Scalar, unweighted."""
        assert inputs.cycled is not None
        return F.l1_loss(inputs.cycled, inputs.real)


class PairedReconstruction(nn.Module):
    """|G(m) - x| on the pairs of `dataset.paired_fraction`, the mean over pixels: they teach the generator as well."""

    needs = frozenset({"paired_fake"})

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:
        """Scalar, unweighted."""
        if inputs.paired_fake is None or inputs.paired_real is None:
            return inputs.fake.new_zeros(())
        return F.l1_loss(inputs.paired_fake, inputs.paired_real)
