"""The setting of a released pix2pixHD: what its tensors say, and what they cannot say from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from semsynth.checkpoints.discriminator_setting import discriminator_values
from semsynth.checkpoints.layouts.pix2pixhd import InstanceFeatureFacts, Pix2PixHDDiscriminatorFacts, Pix2PixHDFacts
from semsynth.errors import CheckpointError

RELEASED_LOCAL = (1024, 2048)  # label2city_1024p, the one that is released


def with_encoder(facts: Any, encoder: Any) -> Any:
    """The generator's facts, its input channels apart: those of the label map, and features where there is an encoder.

    Raises:
        CheckpointError: it has fewer channels.
    """
    if not isinstance(facts, Pix2PixHDFacts) or not isinstance(encoder, InstanceFeatureFacts):
        return facts
    if facts.channels <= encoder.features:
        raise CheckpointError(f"the encoder makes {encoder.features} features, but the generator reads "
                              f"{facts.channels} channels in all: is it another model's?")
    return replace(facts, channels=facts.channels - encoder.features, features=encoder.features)


def usual_size(facts: Pix2PixHDFacts, dataset: str | None, size: tuple[int, int] | None
               ) -> tuple[tuple[int, int] | None, str]:
    """The size that a network is used at where nobody says, and why that is not the data set's."""
    if facts.local and dataset == "cityscapes":
        return RELEASED_LOCAL, (f"size=[{RELEASED_LOCAL[0]},{RELEASED_LOCAL[1]}], that of the released local enhancer "
                                "(it draws any multiple of 32)")
    return size, ""


def pix2pixhd_overrides(setting: Any, facts: Pix2PixHDFacts, discriminator: Any, encoder: Any) -> dict[str, Any]:
    """The setting as keys and values of a training's configuration.

    Raises:
        CheckpointError: discriminator or encoder do not go with the generator.
    """
    values: dict[str, Any] = {
        "generator": "pix2pixhd_local" if facts.local else "pix2pixhd", "dataset.instances": setting.edges,
        "size": list(setting.size), "generator.ngf": facts.ngf, "generator.out_channels": facts.out_channels,
        "discriminator": "pix2pixhd", "objective": "least_squares", "optim": "single", "loss": "pix2pixhd_no_vgg",
        "encoder": "none",
    }
    if encoder is not None:
        if not isinstance(encoder, InstanceFeatureFacts):
            raise CheckpointError("the encoder is none of pix2pixHD's: is it another model's?")
        values |= {"encoder": "instance_features", "encoder.features": encoder.features, "encoder.nef": encoder.nef}
    if discriminator is not None:
        if not isinstance(discriminator, Pix2PixHDDiscriminatorFacts):
            raise CheckpointError("the discriminator is none of pix2pixHD's: is it another model's?")
        values |= discriminator_values(discriminator, setting.num_classes + setting.edges + facts.out_channels)
    return values
