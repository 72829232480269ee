"""The setting of a released OASIS as overrides of a training's configuration."""

from __future__ import annotations

from typing import Any

from semsynth.checkpoints.layouts.oasis import OASISDiscriminatorFacts, OASISFacts
from semsynth.errors import CheckpointError


def oasis_values(num_classes: int, facts: OASISFacts, discriminator: Any) -> dict[str, Any]:
    """What OASIS's networks take besides what all generators do.

    Raises:
        CheckpointError: the discriminator does not go with the generator.
    """
    values: dict[str, Any] = {"generator": "oasis", "generator.noise": facts.noise, "norm.noise": facts.noise,
                              "norm.hidden": facts.hidden, "norm.kernel_size": facts.kernel_size,
                              "discriminator": "oasis", "loss": "oasis", "optim": "oasis"}
    if discriminator is None:
        return values
    if not isinstance(discriminator, OASISDiscriminatorFacts):
        raise CheckpointError("the discriminator is none of OASIS, but the generator is: is it another model's?")
    if (discriminator.num_classes, discriminator.image_channels) != (num_classes, facts.out_channels):
        raise CheckpointError(f"the discriminator tells {discriminator.num_classes} classes in images of "
                              f"{discriminator.image_channels} channels, but the generator draws {num_classes} classes "
                              f"in {facts.out_channels}: is it another model's?")
    return values | {"discriminator.ndf": discriminator.ndf, "discriminator.num_blocks": discriminator.num_blocks}
