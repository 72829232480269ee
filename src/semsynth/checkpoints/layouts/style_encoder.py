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


def has_layers(state: State, head: int) -> bool:
    """Numbered layers, and two heads whose weights have so many dimensions."""
    names = {"layer1.0.weight_orig", "fc_mu.weight", "fc_var.weight"}
    return names <= state.keys() and state["fc_mu.weight"].ndim == head


def recognise(state: State) -> bool:
    """Linear heads."""
    return has_layers(state, 2)


def layers(state: State) -> int:
    """How many there are."""
    return sum(f"layer{k}.0.weight_orig" in state for k in range(1, DEPTH + 1))


def describe(state: State) -> EncoderFacts:
    """The facts."""
    width, style = shape(state, "layer1.0.weight_orig", 4)[0], shape(state, "fc_mu.weight", 2)[0]
    return EncoderFacts(width, layers(state), style)


STYLE_ENCODER = Layout("style encoder", "encoder", (
    *(row for k in range(DEPTH) for row in spectral(f"layers.{k}.0", f"layer{k + 1}.0")),
    ("fc_mu.{leaf}", "fc_mu.{leaf}"),
    ("fc_logvar.{leaf}", "fc_var.{leaf}"),
), recognise, describe)
