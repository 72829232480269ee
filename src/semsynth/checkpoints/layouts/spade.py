"""The generator of SPADE (arXiv:1903.07291) as its authors release it: `latest_net_G.pth`."""

from __future__ import annotations

from typing import Any

from semsynth.checkpoints.layouts.backbone import EXTRAS, FIRST, ROWS, GeneratorFacts, backbone_facts, has_backbone
from semsynth.checkpoints.layouts.table import Layout, State, shape
from semsynth.errors import CheckpointError

ATTENTION = "conv_64.weight"  # of DAGAN


def modulated(state: State) -> bool:
    """Modulation by convolutions."""
    return has_backbone(state) and f"{FIRST}.mlp_shared.0.weight" in state


def recognise(state: State) -> bool:
    """Modulation by convolutions, and nothing behind the blocks."""
    return modulated(state) and ATTENTION not in state


def describe(state: State) -> GeneratorFacts:
    """The facts; whether the last channel holds edges is not among them."""
    facts: dict[str, Any] = backbone_facts(state)
    hidden, channels, kernel_size, _ = shape(state, f"{FIRST}.mlp_shared.0.weight", 4)
    at_start = facts.pop("fc_channels")
    if at_start not in (None, channels):
        raise CheckpointError(f"fc.weight reads {at_start} channels, {FIRST}.mlp_shared.0.weight {channels}")
    return GeneratorFacts(norm="spade", channels=channels, num_classes=None, edges=None, hidden=hidden,
                          kernel_size=kernel_size, **facts)


SPADE = Layout("SPADE", "generator", (
    *ROWS,
    ("blocks.{block}.{norm}.shared.{leaf}", "{block}.{norm}.mlp_shared.0.{leaf}"),
    ("blocks.{block}.{norm}.gamma.{leaf}", "{block}.{norm}.mlp_gamma.{leaf}"),
    ("blocks.{block}.{norm}.beta.{leaf}", "{block}.{norm}.mlp_beta.{leaf}"),
), recognise, describe, EXTRAS)
