"""The generator of DAGAN: SPADE's, with attention over positions and over channels before the image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.spade import SPADEGenerator


class DualAttention(nn.Module):
    """Attention over channels, which also sees the last block's input, plus attention over positions.

    With t = conv3x3(input) of the last block's width: x * sigmoid(W2 relu(W1 [mean t, mean x])) + t, the means over
    all positions; plus x * sigmoid(conv3x3([mean of x over its channels, their maximum])).

    >>> attention = DualAttention(channels_in=8, channels_out=4)
    >>> tuple(attention(torch.randn(2, 4, 16, 16), torch.randn(2, 8, 16, 16)).shape)
    (2, 4, 16, 16)

    Args:
        channels_in: Of the last block's input.
        channels_out: Of its output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.squeeze = nn.Conv2d(2 * channels_out, channels_out, 1)
        self.excite = nn.Conv2d(channels_out, channels_out, 1)
        self.spatial = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def beside(self, before: Tensor, factor: int = 1) -> Tensor:
        """What the last block's input (N,B,H/factor,W/factor) adds: (N,C,H,W)."""
        if factor > 1:
            before = F.interpolate(before, scale_factor=float(factor), mode="nearest")
        added: Tensor = self.before(before)
        return added

    def forward(self, x: Tensor, before: Tensor, factor: int = 1, means: Tensor | None = None) -> Tensor:
        """The last block's output x (N,C,H,W) and its input `before` (N,B,H/factor,W/factor): (N,C,H,W).

        `means` (N,2C,1,1) are the averages of `beside` and of x over the whole picture, where these are parts of one.
        """
        before = self.beside(before, factor)
        if means is None:
            means = torch.cat([before.mean((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)], 1)
        channels = torch.sigmoid(self.excite(F.relu(self.squeeze(means))))
        across = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return torch.addcmul(before, x, channels + torch.sigmoid(self.spatial(across)))


class DAGANGenerator(SPADEGenerator):
    """Generator of DAGAN (arXiv:2008.13024): `SPADEGenerator`, and `DualAttention` on what its last block makes.

    Arguments, errors and fast paths are those of `SPADEGenerator`; published with SPADE's norms and without a style.

    >>> from semsynth.norms.spade import SPADE
    >>> from semsynth.semantics import Semantics
    >>> generator = DAGANGenerator(SPADE, num_classes=2, size=(16, 16), ngf=2, upsamplings=2)
    >>> tuple(generator(generator.prepare(Semantics(torch.zeros(3, 16, 16, dtype=torch.int64), 2))).shape)
    (3, 3, 16, 16)
    """

    attend = DualAttention
