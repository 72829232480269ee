"""The setting of a released multi-scale discriminator, which must read what its generator reads and makes."""

from __future__ import annotations

from typing import Any, Protocol

from semsynth.errors import CheckpointError


class MultiScaleFacts(Protocol):
    """What the tensors of such a discriminator say."""

    @property
    def channels(self) -> int:
        """Of label map and image together."""

    @property
    def ndf(self) -> int:
        """Its width."""

    @property
    def num_layers(self) -> int:
        """Of each scale."""

    @property
    def num_scales(self) -> int:
        """How many sizes of a picture it reads."""


def discriminator_values(facts: MultiScaleFacts, wanted: int) -> dict[str, Any]:
    """Its setting as values of a training's configuration.

    Args:
        facts: What its tensors say.
        wanted: Channels of the label map that the generator reads, and of its pictures.

    Raises:
        CheckpointError: it reads another number of channels.
    """
    if facts.channels != wanted:
        raise CheckpointError(f"the discriminator reads {facts.channels} channels, but label map and image of this "
                              f"generator have {wanted}: is it another model's?")
    return {"discriminator.ndf": facts.ndf, "discriminator.num_layers": facts.num_layers,
            "discriminator.num_scales": facts.num_scales}
