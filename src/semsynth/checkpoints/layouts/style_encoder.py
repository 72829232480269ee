"""The style encoder of SPADE and CLADE as their code saves it: `latest_net_E.pth`."""

from __future__ import annotations

from dataclasses import dataclass

from semsynth.checkpoints.layouts.table import Layout, State, shape, spectral

DEPTH = 6


@dataclass(frozen=True)
class EncoderFacts:
    """What the shapes say: width of the first layer, number of layers, length of the style vector."""

    nef: int
    depth: int
    z_dim: int


def recognise(state: State) -> bool:
    """Numbered layers and two heads."""
    return {"layer1.0.weight_orig", "fc_mu.weight", "fc_var.weight"} <= state.keys()


def describe(state: State) -> EncoderFacts:
    """The facts."""
    depth = sum(f"layer{k}.0.weight_orig" in state for k in range(1, DEPTH + 1))
    return EncoderFacts(shape(state, "layer1.0.weight_orig", 4)[0], depth, shape(state, "fc_mu.weight", 2)[0])


STYLE_ENCODER = Layout("style encoder", "encoder", (
    *(row for k in range(DEPTH) for row in spectral(f"layers.{k}.0", f"layer{k + 1}.0")),
    ("fc_mu.{leaf}", "fc_mu.{leaf}"),
    ("fc_logvar.{leaf}", "fc_var.{leaf}"),
), recognise, describe)
