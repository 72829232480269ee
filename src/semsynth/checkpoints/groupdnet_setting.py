"""The setting of a released GroupDNet as overrides of a training's configuration."""

from __future__ import annotations

from typing import Any

from semsynth.checkpoints.layouts.groupdnet import GroupDNetFacts, GroupEncoderFacts
from semsynth.errors import CheckpointError


def groupdnet_values(facts: GroupDNetFacts, encoder: Any) -> dict[str, Any]:
    """What GroupDNet's networks take besides what all generators do.

    Raises:
        CheckpointError: the encoder does not go with the generator.
    """
    values: dict[str, Any] = {
        "generator": "groupdnet", "generator.code": facts.code, "generator.groups": list(facts.groups),
        "generator.widths": list(facts.widths), "norm.hidden": list(facts.hiddens),
        "norm.hidden_groups": list(facts.hidden_groups), "norm.output_groups": list(facts.output_groups),
        "encoder": "group",
    }
    if encoder is None:
        return values
    if not isinstance(encoder, GroupEncoderFacts):
        raise CheckpointError("the encoder is none of GroupDNet, but the generator is: is it another model's?")
    if (encoder.num_classes, encoder.code) != (facts.num_classes, facts.code):
        raise CheckpointError(f"the encoder makes codes of {encoder.code} channels for {encoder.num_classes} classes, "
                              f"but the generator reads {facts.code} for {facts.num_classes}: is it another model's?")
    return values | {"encoder.class_width": encoder.class_width}
