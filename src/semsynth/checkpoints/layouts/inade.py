"""The networks of INADE (arXiv:2103.10868) as their authors release them: `best_net_G.pth`, `best_net_E.pth`.

The last axis of a bank says whether it belongs to scale (0) or shift (1), as in ours. The published description does
not say in which order the encoder reads what comes up and what comes across; upsampled features are taken to come
first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from semsynth.checkpoints.layouts.backbone import EXTRAS, FIRST, ROWS, GeneratorFacts, backbone_facts, has_backbone
from semsynth.checkpoints.layouts.table import Layout, State, shape
from semsynth.errors import CheckpointError


@dataclass(frozen=True)
class INADEFacts(GeneratorFacts):
    """What the names and shapes of INADE's generator say.

    Attributes:
        noise: Numbers of an instance for scale, and as many for shift.
    """

    noise: int = 64


@dataclass(frozen=True)
class InstanceEncoderFacts:
    """What the shapes say: width of the first layer, numbers of an instance for scale or shift."""

    nef: int
    noise: int


def recognise(state: State) -> bool:
    """A layer of noise in the norms."""
    return has_backbone(state) and f"{FIRST}.fc_noise.weight" in state


def describe(state: State) -> INADEFacts:
    """The facts.

    Raises:
        CheckpointError: the start grid comes from the label map, or there is a branch for sketches.
    """
    facts: dict[str, Any] = backbone_facts(state)
    if facts.pop("fc_channels") is not None:
        raise CheckpointError("fc.weight is a convolution: INADE starts from noise by a linear layer")
    if f"{FIRST}.sketch_conv.weight" in state:
        raise CheckpointError("this is INADE with a branch for sketches, which is not known here")
    num_classes, _, _ = shape(state, f"{FIRST}.weight", 3)
    return INADEFacts(norm="inade", channels=num_classes, num_classes=num_classes, edges=False, generator="inade",
                      noise=shape(state, f"{FIRST}.fc_noise.weight", 2)[1], **facts)


def recognise_encoder(state: State) -> bool:
    """Layers down and up, and heads for scale and shift."""
    return {"layer1.weight", "middle.weight", "up1.weight", "scale_conv_mu.weight"} <= state.keys()


def describe_encoder(state: State) -> InstanceEncoderFacts:
    """The facts."""
    noise, nef, *_ = shape(state, "scale_conv_mu.weight", 4)
    return InstanceEncoderFacts(nef, noise)


INADE = Layout("INADE", "generator", (
    *ROWS,
    ("blocks.{block}.{norm}.weight", "{block}.{norm}.weight"),
    ("blocks.{block}.{norm}.bias", "{block}.{norm}.bias"),
    ("blocks.{block}.{norm}.project.{leaf}", "{block}.{norm}.fc_noise.{leaf}"),
), recognise, describe, EXTRAS)

INSTANCE_ENCODER = Layout("INADE's encoder", "encoder", (
    *((f"down.{k}.{{leaf}}", f"layer{k + 1}.{{leaf}}") for k in range(4)),
    ("middle.{leaf}", "middle.{leaf}"),
    *((f"up.{k}.{{leaf}}", f"up{k + 1}.{{leaf}}") for k in range(3)),
    ("heads.{head}.{leaf}", "{head}.{leaf}"),
), recognise_encoder, describe_encoder)
