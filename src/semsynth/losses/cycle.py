"""Losses that take a photograph to a label map and back."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import UnpairedLossInputs


class CycleConsistency(nn.Module):
    """|G(S(x)) - x|, the mean over pixels: the future work of the Unpaired SPADE slides (cf. arXiv:1703.10593).

    The gradient passes through S(x), see `semsynth.training.unpaired.UnpairedSystem`.

    >>> from semsynth.semantics import Semantics
    >>> semantics, real = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.ones(1, 3, 16, 16)
    >>> CycleConsistency()(UnpairedLossInputs(semantics, real, -real, [], [], cycled=real / 4)).item()
    0.75
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
    """|G(m) - x| on the pairs of `dataset.paired_fraction`, the mean over pixels: they teach the generator as well.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.ones(1, 3, 16, 16)
    >>> pair = {"paired_real": image, "paired_fake": image / 2}
    >>> PairedReconstruction()(UnpairedLossInputs(semantics, image, -image, [], [], **pair)).item()
    0.5
    """

    needs = frozenset({"paired_fake"})

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:
        """Scalar, unweighted."""
        if inputs.paired_fake is None or inputs.paired_real is None:
            return inputs.fake.new_zeros(())
        return F.l1_loss(inputs.paired_fake, inputs.paired_real)
