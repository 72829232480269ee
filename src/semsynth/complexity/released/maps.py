"""Label maps as the released networks read them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.semantics import Semantics


@dataclass(frozen=True)
class Maps:
    """What the released networks are given of label maps.

    Attributes:
        channels: (N,K+E+Z,H,W), contiguous as the released code scatters them: one-hot classes; where they are, the
            instance edges; where it is, noise.
        classes: K.
        edges: E, 0 or 1.
        offsets: Positional offsets (N,2,H,W), or None.
        regions: (N,1,H,W) as floats, which of its picture's codes a pixel has, or None.
    """

    channels: Tensor
    classes: int
    edges: int
    offsets: Tensor | None
    regions: Tensor | None = None

    @classmethod
    def of(cls, semantics: Semantics, noise: Tensor | None = None) -> Maps:
        """Of label maps at full size, and noise (N,Z,H,W)."""
        edges = semantics.edges is not None
        channels = semantics.one_hot(edges=edges)
        channels = (channels if noise is None else torch.cat([channels, noise.to(channels)], 1)).contiguous()
        return cls(channels, semantics.num_classes, int(edges), semantics.offsets)

    def at(self, h: int, w: int) -> Maps:
        """Resized (nearest) to (h, w)."""
        offsets, regions = (None if x is None else F.interpolate(x, (h, w), mode="nearest")
                            for x in (self.offsets, self.regions))
        channels = F.interpolate(self.channels, (h, w), mode="nearest")
        return Maps(channels, self.classes, self.edges, offsets, regions)

    def condition(self, edges: bool) -> Tensor:
        """The channels that a convolution reads, with the edges or without."""
        return self.channels[:, :self.classes + edges]

    def with_noise(self) -> Tensor:
        """Classes and noise."""
        if not self.edges:
            return self.channels
        return torch.cat([self.channels[:, :self.classes], self.channels[:, self.classes + 1:]], 1)

    def edge_map(self) -> Tensor:
        """The instance edges (N,1,h,w)."""
        return self.channels[:, self.classes:self.classes + 1]

    def require_offsets(self) -> Tensor:
        """The positional offsets.

        Raises:
            ValueError: there are none.
        """
        if self.offsets is None:
            raise ValueError("this network uses intra-class positional encoding, but the label maps carry no offsets")
        return self.offsets
