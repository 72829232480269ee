"""The released SPADE, CLADE, DAGAN, OASIS and GroupDNet: one generator, by its norms."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.released.block import ReleasedBlock, ReleasedNorm
from semsynth.complexity.released.maps import Maps
from semsynth.generators.base import BaseGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import Unconditional
from semsynth.norms.group import GroupSPADE
from semsynth.norms.noise import noise_map
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style

PUBLISHED = (SPADE, SPADE_Noise, GroupSPADE, CLADE, CLADE_ICPE, CLADE_DISTF, Unconditional)


class PublishedNorm(ReleasedNorm):
    """SPADE's, GroupDNet's or CLADE's norm as published; no styles are read.

    Raises:
        ValueError: a norm that the papers do not have.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        if type(norm) not in PUBLISHED:  # another one that derives from them has a formula of its own
            raise ValueError(f"formulation=published knows SPADE (also OASIS's, GroupDNet's), CLADE and its variants, "
                             f"not {type(norm).__name__}: take formulation=fast")
        assert isinstance(norm, SPADE | GroupSPADE | CLADE | Unconditional)
        self.norm = norm

    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Normalise and modulate."""
        norm = self.norm
        if isinstance(norm, Unconditional):
            return norm.base(x) * norm.gamma + norm.beta
        resized = maps.at(*x.shape[-2:])
        if isinstance(norm, SPADE | GroupSPADE):
            hidden = F.relu(norm.shared(_seen(norm, resized)))
            return norm.base(x) * (1 + norm.gamma(hidden)) + norm.beta(hidden)
        classes = resized.condition(False).argmax(1)
        gamma, beta = (F.embedding(classes, table).permute(0, 3, 1, 2) for table in (norm.gamma, norm.beta))
        if isinstance(norm, CLADE_ICPE):
            gamma = gamma * (1 + norm.position_gamma(resized.offsets))
            beta = beta * (1 + norm.position_beta(resized.offsets))
        parts = [norm.base(x) * gamma + beta]
        if norm.edge is not None:
            parts.append(norm.edge(resized.edge_map()))
        if isinstance(norm, CLADE_DISTF):
            parts.append(norm.position(resized.offsets))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def _seen(norm: SPADE | GroupSPADE, maps: Maps) -> Tensor:
    """What its first convolution reads."""
    if isinstance(norm, SPADE_Noise):
        return maps.with_noise()
    if isinstance(norm, GroupSPADE) and norm.edges:
        return torch.stack([maps.condition(False), maps.edge_map().expand_as(maps.condition(False))], 2).flatten(1, 2)
    return maps.condition(norm.edges)


class PublishedSPADE(BaseGenerator):
    """A generator as published, with the layers of one of ours, which stays as it is and shares all weights.

    Args:
        generator: SPADE's, DAGAN's, OASIS's or GroupDNet's.
        norm: Makes the published form of its norms.

    Raises:
        ValueError: a norm that the papers do not have.
    """

    def __init__(self, generator: SPADEGenerator,
                 norm: Callable[[nn.Module], ReleasedNorm] = PublishedNorm) -> None:
        super().__init__(generator.size, generator.out_channels)
        self.fc, self.fc_position, self.conv_img = generator.fc, generator.fc_position, generator.conv_img
        self.blocks = nn.ModuleList(ReleasedBlock(block, norm) for block in generator.blocks.values())
        self.attention = generator.attention
        self._upsample, self._stride = list(generator._upsample), 2 ** generator.upsamplings
        self.z_dim, self.styled = generator.z_dim, generator.styled
        self.draw_style, self._read = generator.draw_style, generator.read  # type: ignore[method-assign]
        self._start_of_codes = generator._start if isinstance(generator, GroupDNetGenerator) else None
        self.edges, self.fc_offsets = generator.edges, generator.fc_offsets
        self._start_noise = generator.noise if isinstance(generator, OASISGenerator) else 0
        self._norm_noise = max((m.noise for m in generator.modules() if isinstance(m, SPADE_Noise)), default=0)

    def readings(self, h: int, w: int) -> list[Reading]:
        """None: label maps are not prepared, every norm resizes them anew."""
        return []

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images (N,3,H,W) in [-1,1]."""
        style = self._read(semantics, style)
        maps = self._maps(semantics, style, self._norm_noise)
        if self._start_of_codes is None:
            first = maps if self._start_noise == self._norm_noise else self._maps(semantics, style, self._start_noise)
            x = self._start(first, None if style is None else style.vector)
        else:
            x = self._start_of_codes(semantics, style)
        for upsample, block in zip(self._upsample, self.blocks, strict=True):
            before = F.interpolate(x, scale_factor=2.0, mode="nearest") if upsample else x
            x = block(before, maps, style)
        x = x if self.attention is None else self.attention(x, before)
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))

    @staticmethod
    def _maps(semantics: Semantics, style: Style | None, noise: int) -> Maps:
        return Maps.of(semantics, noise_map(style, semantics, noise) if noise else None)

    def _start(self, maps: Maps, z: Tensor | None) -> Tensor:
        n, _, height, width = maps.channels.shape
        h, w = height // self._stride, width // self._stride
        small = maps.at(h, w)
        if not isinstance(self.fc, nn.Linear):
            condition = small.with_noise() if self._start_noise else small.condition(self.edges)
            return self.fc(torch.cat([condition, small.require_offsets()], 1) if self.fc_offsets else condition)
        grid: Tensor = self.fc(z).view(n, -1, h, w)
        return grid if self.fc_position is None else grid + self.fc_position(small.require_offsets())
