"""The networks of OASIS (arXiv:2012.04781) as their authors release them: `best_EMA.pth`, `best_G.pth`, `best_D.pth`.

The generator reads noise before the label map, ours after it; the discriminator's first logit is that of a fake, ours
the last. The unknown class is the first one there. The published description names the norm's layers `mlp_*` only: they
are taken to be called as SPADE's.
"""

from __future__ import annotations

from dataclasses import dataclass

from semsynth.checkpoints.layouts.backbone import GeneratorFacts
from semsynth.checkpoints.layouts.table import Layout, State, shape, spectral
from semsynth.errors import CheckpointError

FIRST = "body.0.norm_0"
NOISE = 64  # channels, which no shape tells from classes


@dataclass(frozen=True)
class OASISFacts(GeneratorFacts):
    """What the names and shapes of OASIS's generator say; that it has 64 channels of noise is taken for granted."""

    noise: int = NOISE

    @property
    def upsamplings(self) -> tuple[int, ...]:
        """Five, whatever the size."""
        return (5,)


@dataclass(frozen=True)
class OASISDiscriminatorFacts:
    """What the shapes say: label channels, width of the last block, blocks of the encoder, channels of the images."""

    num_classes: int
    ndf: int
    num_blocks: int
    image_channels: int


def recognise(state: State) -> bool:
    """Numbered blocks with modulation by convolutions."""
    return {"fc.weight", f"{FIRST}.mlp_shared.0.weight", "conv_img.weight"} <= state.keys()


def describe(state: State) -> OASISFacts:
    """The facts.

    Raises:
        CheckpointError: the shapes contradict each other, or leave no class beside the noise.
    """
    width, channels, *_ = shape(state, "fc.weight", 4)
    hidden, read, kernel_size, _ = shape(state, f"{FIRST}.mlp_shared.0.weight", 4)
    if read != channels:
        raise CheckpointError(f"fc.weight reads {channels} channels, {FIRST}.mlp_shared.0.weight {read}")
    if channels <= NOISE:
        raise CheckpointError(f"fc.weight reads {channels} channels: {NOISE} of noise and the classes were expected")
    if width == 0 or width % 16:
        raise CheckpointError(f"fc.weight has {width} outputs, which is no multiple of 16")
    base = "batch" if f"{FIRST}.first_norm.running_mean" in state else "instance"
    return OASISFacts(norm="spade_noise", base=base, ngf=width // 16, channels=channels - NOISE,
                      num_classes=channels - NOISE, edges=False, z_dim=0, grid=1, most=False,
                      out_channels=shape(state, "conv_img.weight", 4)[0], hidden=hidden, kernel_size=kernel_size)


def recognise_discriminator(state: State) -> bool:
    """A U-Net of numbered blocks."""
    return {"body_down.0.conv1.0.weight_orig", "layer_up_last.weight"} <= state.keys()


def describe_discriminator(state: State) -> OASISDiscriminatorFacts:
    """The facts."""
    logits, ndf, *_ = shape(state, "layer_up_last.weight", 4)
    blocks = {key.split(".")[1] for key in state if key.startswith("body_down.")}
    return OASISDiscriminatorFacts(logits - 1, ndf, len(blocks), shape(state, "body_down.0.conv1.0.weight_orig", 4)[1])


OASIS = Layout("OASIS", "generator", (
    ("fc.{leaf}", "fc.{leaf}"),
    *spectral("blocks.{block}.{conv}", "body.{block}.{conv}"),
    ("blocks.{block}.{norm}.base.{leaf}", "body.{block}.{norm}.first_norm.{leaf}"),
    ("blocks.{block}.{norm}.shared.{leaf}", "body.{block}.{norm}.mlp_shared.0.{leaf}"),
    ("blocks.{block}.{norm}.gamma.{leaf}", "body.{block}.{norm}.mlp_gamma.{leaf}"),
    ("blocks.{block}.{norm}.beta.{leaf}", "body.{block}.{norm}.mlp_beta.{leaf}"),
    ("conv_img.{leaf}", "conv_img.{leaf}"),
), recognise, describe, (r".*\.first_norm\.[^.]+",),
    class_axes={r"fc\.weight": 1, r".*\.mlp_shared\.0\.weight": 1})

OASIS_DISCRIMINATOR = Layout("OASIS's U-Net", "discriminator", (
    *spectral("down.0.conv_1", "body_down.0.conv1.0"),
    *spectral("down.{block}.conv_1", "body_down.{block}.conv1.1"),
    *spectral("down.{block}.conv_2", "body_down.{block}.conv2.1"),
    *spectral("down.{block}.conv_s", "body_down.{block}.conv_s"),
    *spectral("up.{block}.conv_1", "body_up.{block}.conv1.2"),
    *spectral("up.{block}.conv_2", "body_up.{block}.conv2.1"),
    *spectral("up.{block}.conv_s", "body_up.{block}.conv_s"),
    ("last.{leaf}", "layer_up_last.{leaf}"),
), recognise_discriminator, describe_discriminator, class_axes={r"layer_up_last\.(weight|bias)": 0})
