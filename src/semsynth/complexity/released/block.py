"""A released residual block, whatever its norms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.released.maps import Maps
from semsynth.generators.blocks import ResBlock
from semsynth.style import Style


class ReleasedNorm(nn.Module, ABC):
    """A norm as published, with the weights of one of ours: x (N,C,H,W) and maps at full size -> (N,C[+1],H,W)."""

    @abstractmethod
    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Normalise and modulate."""


class ReleasedBlock(nn.Module):
    """A residual block as published, with the layers of one of ours.

    Args:
        block: Ours.
        norm: Makes the published form of its norms.
    """

    def __init__(self, block: nn.Module, norm: Callable[[nn.Module], ReleasedNorm]) -> None:
        super().__init__()
        assert isinstance(block, ResBlock)
        self.norm_0, self.norm_1 = norm(block.norm_0), norm(block.norm_1)
        self.norm_s = None if block.norm_s is None else norm(block.norm_s)
        self.conv_0, self.conv_1, self.conv_s = block.conv_0, block.conv_1, block.conv_s

    def forward(self, x: Tensor, maps: Maps, style: Style | None) -> Tensor:
        """Shortcut plus main path."""
        shortcut = x if self.norm_s is None or self.conv_s is None else self.conv_s(self.norm_s(x, maps, style))
        x = self.conv_0(F.leaky_relu(self.norm_0(x, maps, style), 0.2))
        return shortcut + self.conv_1(F.leaky_relu(self.norm_1(x, maps, style), 0.2))
