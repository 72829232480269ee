"""The generators of CLADE and CLADE-ICPE (arXiv:2012.04644) as their authors release them: `best_net_G.pth`.

Where edges are read, the learned edge feature is the last input channel of every convolution behind a norm, as in ours.
The positional convolutions of CLADE-ICPE belong to the bank there (`class_specified_affine.dist_conv_w`, of weight
(1,2,1,1)); they read the vertical offset first, as ours do.
"""

from __future__ import annotations

from typing import Any

from semsynth.checkpoints.layouts.backbone import EXTRAS, FIRST, ROWS, GeneratorFacts, backbone_facts, has_backbone
from semsynth.checkpoints.layouts.table import Layout, State, shape
from semsynth.errors import CheckpointError

BANK = f"{FIRST}.class_specified_affine.weight"
POSITION = f"{FIRST}.class_specified_affine.dist_conv_w.weight"


def recognise(state: State) -> bool:
    """Modulation from a bank of one row a class."""
    return has_backbone(state) and BANK in state


def describe(state: State) -> GeneratorFacts:
    """The facts: the rows of the bank count the classes, the edge feature has a layer of its own."""
    facts: dict[str, Any] = backbone_facts(state)
    num_classes, _ = shape(state, BANK, 2)
    edges = f"{FIRST}.inst_conv.weight" in state
    at_start = facts.pop("fc_channels")
    if at_start not in (None, num_classes + edges):
        raise CheckpointError(f"fc.weight reads {at_start} channels, but the banks have {num_classes} classes "
                              f"{'and' if edges else 'without'} an edge feature")
    norm = "clade_icpe" if POSITION in state else "clade"
    return GeneratorFacts(norm=norm, channels=num_classes + edges, num_classes=num_classes, edges=edges, **facts)


CLADE = Layout("CLADE", "generator", (
    *ROWS,
    ("blocks.{block}.{norm}.gamma", "{block}.{norm}.class_specified_affine.weight"),
    ("blocks.{block}.{norm}.beta", "{block}.{norm}.class_specified_affine.bias"),
    ("blocks.{block}.{norm}.edge.{leaf}", "{block}.{norm}.inst_conv.{leaf}"),
    ("blocks.{block}.{norm}.position_gamma.{leaf}", "{block}.{norm}.class_specified_affine.dist_conv_w.{leaf}"),
    ("blocks.{block}.{norm}.position_beta.{leaf}", "{block}.{norm}.class_specified_affine.dist_conv_b.{leaf}"),
), recognise, describe, EXTRAS)
