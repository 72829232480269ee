"""L1 between pictures."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs


class PixelRegression(nn.Module):
    """|fake - real|, the mean over pixels and channels: regression where no pretrained network is at hand.

    >>> import torch
    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> PixelRegression()(LossInputs(semantics, image, image + 0.5, [], [])).item()
    0.5
    """

    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return F.l1_loss(inputs.fake, inputs.real)
