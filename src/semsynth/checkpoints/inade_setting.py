"""The setting of a released INADE as overrides of a training's configuration."""

from __future__ import annotations

from typing import Any

from semsynth.checkpoints.layouts.inade import INADEFacts, InstanceEncoderFacts
from semsynth.errors import CheckpointError


def inade_values(facts: INADEFacts, encoder: Any) -> dict[str, Any]:
    """What INADE's networks take besides what all generators do.

    Raises:
        CheckpointError: the encoder does not go with the generator.
    """
    values: dict[str, Any] = {"generator": "inade", "generator.start": facts.z_dim, "generator.noise": facts.noise,
                              "encoder": "instance", "loss": "inade_no_vgg"}
    if encoder is None:
        return values
    if not isinstance(encoder, InstanceEncoderFacts):
        raise CheckpointError("the encoder is none of INADE, but the generator is: is it another model's?")
    if encoder.noise != facts.noise:
        raise CheckpointError(f"the encoder makes codes of {encoder.noise} numbers for scale, but the generator reads "
                              f"{facts.noise}: is it another model's?")
    return values | {"encoder.nef": encoder.nef}
