"""The discriminator of CC-FPSE (arXiv:1910.06809) as its authors release it: `200_net_D.pth`."""

from __future__ import annotations

from dataclasses import dataclass

from semsynth.checkpoints.layouts.table import Layout, State, shape, spectral

FIRST = "enc1.0.0.weight_orig"


@dataclass(frozen=True)
class FPSEFacts:
    """What the shapes say: channels of the label map (the edges included) and of images, width of the first layer."""

    channels: int
    image_channels: int
    ndf: int


def recognise(state: State) -> bool:
    """A pyramid of the image, and an embedding of the classes."""
    return {FIRST, "embedding.weight", "tf.weight"} <= state.keys()


def describe(state: State) -> FPSEFacts:
    """The facts."""
    ndf, image_channels, *_ = shape(state, FIRST, 4)
    return FPSEFacts(shape(state, "embedding.weight", 4)[1], image_channels, ndf)


FPSE = Layout("FPSE", "discriminator", (
    *(row for k in range(5) for row in spectral(f"encoders.{k}.0", f"enc{k + 1}.0.0")),
    *(row for k in range(4) for row in spectral(f"laterals.{k}.0", f"lat{k + 2}.0.0")),
    *(row for k in range(3) for row in spectral(f"decoders.{k}.0", f"final{k + 2}.0.0")),
    ("score.{leaf}", "tf.{leaf}"),
    ("match.{leaf}", "seg.{leaf}"),
    ("embedding.{leaf}", "embedding.{leaf}"),
), recognise, describe)
