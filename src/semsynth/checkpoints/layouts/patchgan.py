"""The multi-scale discriminator of SPADE and CLADE as their code saves it: `latest_net_D.pth`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from semsynth.checkpoints.layouts.table import Layout, State, shape, spectral

FIRST = "discriminator_0.model0.0.weight"


@dataclass(frozen=True)
class DiscriminatorFacts:
    """What the shapes say: input channels (label map, edges, image), width, layers before the prediction, scales."""

    channels: int
    ndf: int
    num_layers: int
    num_scales: int


def recognise(state: State) -> bool:
    """Several discriminators of numbered models."""
    return FIRST in state


def describe(state: State) -> DiscriminatorFacts:
    """The facts."""
    ndf, channels, *_ = shape(state, FIRST, 4)
    places = [found for key in state if (found := re.match(r"discriminator_(\d+)\.model(\d+)\.", key))]
    return DiscriminatorFacts(channels, ndf, num_layers=max(int(p[2]) for p in places),
                              num_scales=1 + max(int(p[1]) for p in places))


PATCHGAN = Layout("PatchGAN", "discriminator", (
    ("scales.{i}.layers.0.0.{leaf}", "discriminator_{i}.model0.0.{leaf}"),
    *spectral("scales.{i}.layers.{k}.0", "discriminator_{i}.model{k}.0.0"),
    ("scales.{i}.layers.{k}.{leaf}", "discriminator_{i}.model{k}.0.{leaf}"),
), recognise, describe)
