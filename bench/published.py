"""The plain formulation as published, written anew: what the fast path is measured against.

A float one-hot map is resized again in every norm layer, gamma and beta exist at every pixel, CLADE finds classes by
argmax, spectral norms are computed in evaluation too, upsampled copies are made. Same weights, same pictures.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.norms.spade import SPADE


class PublishedGenerator(nn.Module):
    """Runs the layers of a :class:`semsynth.generators.spade.SPADEGenerator` (SPADE or CLADE norms) as published."""

    def __init__(self, generator: Any, num_classes: int) -> None:
        super().__init__()
        self.generator, self.num_classes = generator, num_classes

    def forward(self, labels: Tensor, z: Tensor | None = None) -> Tensor:
        """Labels (N,H,W) int64 to images (N,3,H,W)."""
        network = self.generator
        n, h, w = labels.shape
        one_hot = torch.zeros(n, self.num_classes, h, w, device=labels.device).scatter_(1, labels[:, None], 1.0)
        start = network.start_size(h, w)
        if z is None:
            x = network.fc(F.interpolate(one_hot, start, mode="nearest"))
        else:
            x = network.fc(z).view(n, -1, *start)
        for upsample, block in zip(network._upsample, network.blocks.values(), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest") if upsample else x
            shortcut = x if block.norm_s is None else block.conv_s(_norm(block.norm_s, x, one_hot))
            x = block.conv_0(F.leaky_relu(_norm(block.norm_0, x, one_hot), 0.2))
            x = shortcut + block.conv_1(F.leaky_relu(_norm(block.norm_1, x, one_hot), 0.2))
        return torch.tanh(network.conv_img(F.leaky_relu(x, 0.2)))


def _norm(norm: Any, x: Tensor, one_hot: Tensor) -> Tensor:
    """One layer of SPADE or CLADE, from the one-hot map at full size."""
    resized = F.interpolate(one_hot, x.shape[-2:], mode="nearest")
    if isinstance(norm, SPADE):
        hidden = F.relu(norm.shared(resized))
        return norm.base(x) * (1 + norm.gamma(hidden)) + norm.beta(hidden)
    classes = resized.argmax(1)
    gamma, beta = (F.embedding(classes, table).permute(0, 3, 1, 2) for table in (norm.gamma, norm.beta))
    return norm.base(x) * gamma + beta
