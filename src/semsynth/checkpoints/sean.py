"""The setting of a released SEAN, whose one file holds generator and encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from semsynth.checkpoints.layouts.sean import ENCODER, RegionEncoderFacts, SEANFacts
from semsynth.errors import CheckpointError


def parts_in(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The networks that a generator's file holds, by part: the encoder apart where it is there, too."""
    encoder = {key: value for key, value in state.items() if key.startswith(ENCODER)}
    generator = {key: value for key, value in state.items() if key not in encoder}
    return {"generator": generator, "encoder": encoder} if generator and encoder else {"generator": dict(state)}


def sean_values(facts: SEANFacts, encoder: Any, discriminator: Any) -> dict[str, Any]:
    """What SEAN's networks take besides what all generators do.

    Raises:
        CheckpointError: the encoder does not go with the generator.
    """
    if encoder is not None and not isinstance(encoder, RegionEncoderFacts):
        raise CheckpointError("the encoder is none of SEAN's: is it another model's?")
    if encoder is not None and encoder.codes != facts.codes:
        raise CheckpointError(f"the encoder says codes of {encoder.codes} numbers, the generator reads {facts.codes}: "
                              "is it another model's?")
    values: dict[str, Any] = {"generator": "sean", "norm.low.hidden": facts.hidden, "norm.high.hidden": facts.hidden,
                              "norm.low.codes": facts.codes, "encoder": "none"}
    if encoder is not None:
        values |= {"encoder": "regions", "encoder.codes": encoder.codes, "encoder.nef": encoder.nef}
    return values | ({} if discriminator is None else {"discriminator.last_stride": 2})
