"""What a loss term may look at."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from semsynth.semantics import Semantics

Maps = list[list[Tensor]]
"""A discriminator's output: scales of maps, the prediction last."""


@dataclass
class Step:
    """One half of a training iteration: real and fake (N,3,H,W) in [-1,1], and D's maps of both.

    ``mu`` and ``logvar`` (N,Z) are the style encoder's, None without one.
    """

    semantics: Semantics
    real: Tensor
    fake: Tensor
    fake_maps: Maps
    real_maps: Maps
    mu: Tensor | None = None
    logvar: Tensor | None = None
