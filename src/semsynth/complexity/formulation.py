"""The formulation of the released networks, written anew from their description: what ours is measured against.

A float one-hot map is resized again in every norm, gamma and beta exist at every pixel, CLADE finds the classes by an
argmax over the one-hot map, spectral norms are computed in evaluation too, upsampled copies are made, and nothing is
kept in tables. Same weights, same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.published_ace import PublishedStyles
from semsynth.generators.base import BaseGenerator
from semsynth.generators.blocks import ResBlock
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.interfaces import Generator
from semsynth.norms.ace import ACE
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import Unconditional
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style

Formulation = Literal["published", "fast"]
"""`published`: as this module has it; `fast`: as the networks of this project are."""


@dataclass(frozen=True)
class Maps:
    """What the released networks are given of label maps.

    Attributes:
        channels: (N,K,H,W) one-hot classes, or (N,K+1,H,W) with the instance edges last.
        classes: K.
        offsets: Positional offsets (N,2,H,W), or None.
    """

    channels: Tensor
    classes: int
    offsets: Tensor | None

    @classmethod
    def of(cls, semantics: Semantics) -> Maps:
        """Of label maps at full size."""
        return cls(semantics.one_hot(edges=semantics.edges is not None), semantics.num_classes, semantics.offsets)

    def at(self, h: int, w: int) -> Maps:
        """Resized (nearest) to (h, w)."""
        offsets = None if self.offsets is None else F.interpolate(self.offsets, (h, w), mode="nearest")
        return Maps(F.interpolate(self.channels, (h, w), mode="nearest"), self.classes, offsets)

    def condition(self, edges: bool) -> Tensor:
        """The channels that a convolution reads, with the edges or without."""
        return self.channels if edges else self.channels[:, :self.classes]


class PublishedNorm(nn.Module):
    """A norm as published, with the weights of one of ours: x (N,C,H,W) and maps at full size -> (N,C[+1],H,W).

    Raises:
        ValueError: a norm that the papers do not have.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        if not isinstance(norm, SPADE | CLADE | ACE | Unconditional):
            raise ValueError(f"formulation=published knows SPADE, CLADE and its variants, and ACE, not "
                             f"{type(norm).__name__}: take formulation=fast")
        self.norm: SPADE | CLADE | ACE | Unconditional = norm

    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Normalise and modulate."""
        norm = self.norm
        if isinstance(norm, Unconditional):
            return norm.base(x) * norm.gamma + norm.beta
        resized = maps.at(*x.shape[-2:])
        if isinstance(norm, ACE):
            gamma, beta = PublishedStyles(norm)(resized.condition(False), style)
            return norm.base(norm.received(x, style)) * (1 + gamma) + beta
        if isinstance(norm, SPADE):
            hidden = F.relu(norm.shared(resized.condition(norm.edges)))
            return norm.base(x) * (1 + norm.gamma(hidden)) + norm.beta(hidden)
        classes = resized.condition(False).argmax(1)
        gamma, beta = (F.embedding(classes, table).permute(0, 3, 1, 2) for table in (norm.gamma, norm.beta))
        if isinstance(norm, CLADE_ICPE):
            gamma = gamma * (1 + norm.position_gamma(resized.offsets))
            beta = beta * (1 + norm.position_beta(resized.offsets))
        parts = [norm.base(x) * gamma + beta]
        if norm.edge is not None:
            parts.append(norm.edge(resized.channels[:, maps.classes:]))
        if isinstance(norm, CLADE_DISTF):
            parts.append(norm.position(resized.offsets))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


class PublishedBlock(nn.Module):
    """A residual block as published, with the layers of one of ours."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, ResBlock)
        self.norm_0, self.norm_1 = PublishedNorm(block.norm_0), PublishedNorm(block.norm_1)
        self.norm_s = None if block.norm_s is None else PublishedNorm(block.norm_s)
        self.conv_0, self.conv_1, self.conv_s = block.conv_0, block.conv_1, block.conv_s

    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Shortcut plus main path."""
        shortcut = x if self.norm_s is None or self.conv_s is None else self.conv_s(self.norm_s(x, maps, style))
        x = self.conv_0(F.leaky_relu(self.norm_0(x, maps, style), 0.2))
        return shortcut + self.conv_1(F.leaky_relu(self.norm_1(x, maps, style), 0.2))


class PublishedGenerator(BaseGenerator):
    """A generator as published, with the layers of one of ours, which stays as it is and shares all weights.

    Args:
        generator: SPADE's.

    Raises:
        ValueError: a generator or a norm that the papers do not have.
    """

    def __init__(self, generator: Generator) -> None:
        if not isinstance(generator, SPADEGenerator) or isinstance(generator, OASISGenerator):
            raise ValueError(f"formulation=published knows SPADE's generator, not {type(generator).__name__}: take "
                             f"formulation=fast")
        super().__init__(generator.size, generator.out_channels)
        self.fc, self.fc_position, self.conv_img = generator.fc, generator.fc_position, generator.conv_img
        self.blocks = nn.ModuleList(PublishedBlock(block) for block in generator.blocks.values())
        self.attention = generator.attention
        self._upsample, self._stride = list(generator._upsample), 2 ** generator.upsamplings
        self.z_dim, self.styled = generator.z_dim, generator.styled
        self.draw_style, self.completed = generator.draw_style, generator.completed  # type: ignore[method-assign]
        self._read = generator.read
        self.edges, self.fc_offsets = generator.edges, generator.fc_offsets

    def readings(self, h: int, w: int) -> list[Reading]:
        """None: label maps are not prepared, every norm resizes them anew."""
        return []

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images (N,3,H,W) in [-1,1]."""
        style = self._read(semantics, style)
        maps = Maps.of(semantics)
        x = self._start(maps, None if style is None else style.vector)
        for upsample, block in zip(self._upsample, self.blocks, strict=True):
            before = F.interpolate(x, scale_factor=2.0, mode="nearest") if upsample else x
            x = block(before, maps, style)
        x = x if self.attention is None else self.attention(x, before)
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))

    def _start(self, maps: Maps, z: Tensor | None) -> Tensor:
        n, _, height, width = maps.channels.shape
        h, w = height // self._stride, width // self._stride
        small = maps.at(h, w)
        if not self.z_dim:
            condition = small.condition(self.edges)
            return self.fc(torch.cat([condition, _present(small.offsets)], 1) if self.fc_offsets else condition)
        grid = self.fc(z).view(n, -1, h, w)
        return grid if self.fc_position is None else grid + self.fc_position(_present(small.offsets))


def _present(offsets: Tensor | None) -> Tensor:
    if offsets is None:
        raise ValueError("this network uses intra-class positional encoding, but the label maps carry no offsets")
    return offsets


class Trains(Protocol):
    """What trains a generator."""

    generator: Generator


System = TypeVar("System", bound=Trains)


def build_generator(build: Callable[[], Generator], formulation: Formulation) -> Generator:
    """The generator that `build` makes, in a formulation."""
    generator = build()
    return PublishedGenerator(generator) if formulation == "published" else generator


def build_system(build: Callable[[], System], formulation: Formulation) -> System:
    """The LightningModule that `build` makes, with its generator in a formulation; the other networks are ours."""
    system = build()
    if formulation == "published":
        system.generator = PublishedGenerator(system.generator)
    return system
