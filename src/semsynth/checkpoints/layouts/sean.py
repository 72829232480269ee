"""The generator of SEAN (arXiv:1911.12861) with its style encoder, as its authors release them in one file:
`latest_net_G.pth`.

There each class has a linear layer (`fc_mu0`, `fc_mu1`, ...); `one_layer` and `a_layer_each` bring them together and
apart. Every ACE holds the statistics of a second batch norm (`Spade.param_free_norm`), which nothing reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semsynth.checkpoints.layouts.backbone import GeneratorFacts, backbone_facts
from semsynth.checkpoints.layouts.table import Layout, Row, State, shape, spectral
from semsynth.errors import CheckpointError

FIRST = "head_0.ace_0"
ENCODER = "Zencoder."
_OF_A_CLASS = re.compile(r"(?P<layer>.+\.ace_\w\.fc_mu)(?P<index>\d+)\.(?P<leaf>weight|bias)")
_OF_ALL = re.compile(r"(?P<layer>.+\.ace_\w\.fc_mu)\.(?P<leaf>weight|bias)")


@dataclass(frozen=True)
class SEANFacts(GeneratorFacts):
    """What the names and shapes of SEAN's generator say; `codes` is the length of a class's code."""

    codes: int = 512


@dataclass(frozen=True)
class RegionEncoderFacts:
    """What the shapes say: length of a code, width of the first layer."""

    codes: int
    nef: int


def recognise(state: State) -> bool:
    """Blocks whose norms blend."""
    return {"fc.weight", f"{FIRST}.blending_gamma", f"{FIRST}.Spade.mlp_shared.0.weight"} <= state.keys()


def describe(state: State) -> SEANFacts:
    """The facts.

    Raises:
        CheckpointError: the shapes contradict each other.
    """
    facts: dict[str, Any] = backbone_facts(state)
    hidden, classes, kernel_size, _ = shape(state, f"{FIRST}.Spade.mlp_shared.0.weight", 4)
    own, codes, _ = shape(state, f"{FIRST}.fc_mu.weight", 3)
    at_start = facts.pop("fc_channels")
    if not at_start == classes == own:
        raise CheckpointError(f"fc.weight reads {at_start} channels, {FIRST}.Spade.mlp_shared.0.weight {classes}, and "
                              f"{own} classes have a layer: the released SEAN has as many of each")
    return SEANFacts(norm="ace", channels=classes, num_classes=classes, edges=False, hidden=hidden,
                     kernel_size=kernel_size, generator="sean", codes=codes, **{**facts, "base": "batch"})


def recognise_encoder(state: State) -> bool:
    """The name that it has within the generator."""
    return f"{ENCODER}model.1.weight" in state


def describe_encoder(state: State) -> RegionEncoderFacts:
    """The facts."""
    return RegionEncoderFacts(shape(state, f"{ENCODER}model.14.weight", 4)[0],
                              shape(state, f"{ENCODER}model.1.weight", 4)[0])


def one_layer(state: State) -> dict[str, Tensor]:
    """The layers of all classes as one, `fc_mu.weight` (K,Z,Z) and `fc_mu.bias` (K,Z).

    Raises:
        CheckpointError: a class lacks its layer, or shapes differ.
    """
    found: dict[str, Tensor] = {}
    apart: dict[str, dict[int, Tensor]] = {}
    for key, value in state.items():
        if m := _OF_A_CLASS.fullmatch(key):
            apart.setdefault(f"{m['layer']}.{m['leaf']}", {})[int(m["index"])] = value
        else:
            found[key] = value
    for key, layers in apart.items():
        kinds = {(value.shape, value.dtype) for value in layers.values()}
        if sorted(layers) != list(range(len(layers))) or len(kinds) > 1:
            raise CheckpointError(f"{key} is there for the classes {', '.join(map(str, sorted(layers)))}, in "
                                  f"{len(kinds)} shapes or types: the file is no whole network")
        found[key] = torch.stack([layers[k] for k in range(len(layers))])
    return found


def a_layer_each(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The other way round, and what nothing reads."""
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if m := _OF_ALL.fullmatch(key):
            found |= {f"{m['layer']}{k}.{m['leaf']}": own.clone() for k, own in enumerate(value)}
            continue
        found[key] = value
        if key.endswith(".noise_var"):
            unread = f"{key.removesuffix('.noise_var')}.Spade.param_free_norm"
            found |= {f"{unread}.running_mean": torch.zeros_like(value),
                      f"{unread}.running_var": torch.ones_like(value),
                      f"{unread}.num_batches_tracked": torch.tensor(0)}
    return found


def _of_norms(ours: str, theirs: str) -> Row:
    return f"blocks.{{block}}.norm_{{place}}.{ours}", f"{{block}}.ace_{{place}}.{theirs}"


SEAN = Layout("SEAN", "generator", (
    ("fc.{leaf}", "fc.{leaf}"),
    *spectral("blocks.{block}.{conv}", "{block}.{conv}"),
    _of_norms("noise_scale", "noise_var"),
    _of_norms("blend_gamma", "blending_gamma"),
    _of_norms("blend_beta", "blending_beta"),
    _of_norms("base.{leaf}", "param_free_norm.{leaf}"),
    _of_norms("labels.shared.{leaf}", "Spade.mlp_shared.0.{leaf}"),
    _of_norms("labels.gamma.{leaf}", "Spade.mlp_gamma.{leaf}"),
    _of_norms("labels.beta.{leaf}", "Spade.mlp_beta.{leaf}"),
    _of_norms("project.{leaf}", "fc_mu.{leaf}"),
    _of_norms("gamma.{leaf}", "conv_gamma.{leaf}"),
    _of_norms("beta.{leaf}", "conv_beta.{leaf}"),
    ("conv_img.{leaf}", "conv_img.{leaf}"),
), recognise, describe, (r".*\.param_free_norm\.[^.]+",), own=(r"codes\..*",))

SEAN_ENCODER = Layout("SEAN's encoder", "encoder", (
    ("model.{number}.{leaf}", ENCODER + "model.{number}.{leaf}"),
), recognise_encoder, describe_encoder)
