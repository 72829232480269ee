"""The networks of pix2pixHD (arXiv:1711.11585) as their authors save them: `latest_net_G.pth`, `_D` and `_E`.

Layers have numbers there, those without weights are counted as well: of the published depth alone, four halvings and
nine residual blocks (three in the local enhancer). The discriminator of the smallest size is the first, as in ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from semsynth.checkpoints.layouts.table import Layout, Row, State, shape
from semsynth.errors import CheckpointError

BLOCKS, LOCAL_BLOCKS, HALVINGS = 9, 3, 4
_FIRST_BLOCK = 1 + 3 * (HALVINGS + 1)
_FIRST_UP = _FIRST_BLOCK + BLOCKS
_LAST = _FIRST_UP + 3 * HALVINGS + 1
CLUSTERS = (r"clusters\..*",)  # of the features of instances: a file of its own there


@dataclass(frozen=True)
class Pix2PixHDFacts:
    """What the shapes of a generator say.

    Attributes:
        ngf: Width of the global network's first layer.
        channels: Input channels: of the label map, the edges, and `features`.
        local: Whether it is the global network with the local enhancer.
        out_channels: Of the images.
        features: Of instances; 0 unless the encoder's file says so.
    """

    ngf: int
    channels: int
    local: bool
    out_channels: int
    features: int = 0
    edges: None = None
    num_classes: None = None
    z_dim: int = 0


@dataclass(frozen=True)
class Pix2PixHDDiscriminatorFacts:
    """What the shapes say: input channels (label map, edges, image), width, layers before the prediction, scales."""

    channels: int
    ndf: int
    num_layers: int
    num_scales: int


@dataclass(frozen=True)
class InstanceFeatureFacts:
    """What the shapes say: width of the first layer, features of an instance."""

    nef: int
    features: int


def _has_trunk(state: State) -> bool:
    return {"model.1.weight", f"model.{_FIRST_BLOCK}.conv_block.1.weight"} <= state.keys()


def _recognise_global(state: State) -> bool:
    return _has_trunk(state) and "model1_1.1.weight" not in state


def _recognise_local(state: State) -> bool:
    return _has_trunk(state) and "model1_1.1.weight" in state


def _check_depth(state: State) -> None:
    if f"model.{_FIRST_UP - 1}.conv_block.1.weight" not in state or f"model.{_FIRST_UP}.weight" not in state:
        raise CheckpointError(f"layers are read by their numbers, which fit {BLOCKS} residual blocks alone")


def _describe_global(state: State) -> Pix2PixHDFacts:
    _check_depth(state)
    ngf, channels, *_ = shape(state, "model.1.weight", 4)
    return Pix2PixHDFacts(ngf, channels, False, shape(state, f"model.{_LAST}.weight", 4)[0])


def _describe_local(state: State) -> Pix2PixHDFacts:
    _check_depth(state)
    ngf, channels, *_ = shape(state, "model.1.weight", 4)
    width, also, *_ = shape(state, "model1_1.1.weight", 4)
    if (2 * width, also) != (ngf, channels):
        raise CheckpointError(f"model1_1.1.weight has {width} outputs and {also} inputs, model.1.weight {ngf} and "
                              f"{channels}: an enhancer is half as wide as its global network and reads the same")
    return Pix2PixHDFacts(ngf, channels, True, shape(state, f"model1_2.{LOCAL_BLOCKS + 4}.weight", 4)[0])


def _describe_discriminator(state: State) -> Pix2PixHDDiscriminatorFacts:
    ndf, channels, *_ = shape(state, "scale0_layer0.0.weight", 4)
    places = [key.split(".")[0].removeprefix("scale").split("_layer") for key in state]
    return Pix2PixHDDiscriminatorFacts(channels, ndf, max(int(layer) for _, layer in places),
                                       1 + max(int(scale) for scale, _ in places))


def _describe_encoder(state: State) -> InstanceFeatureFacts:
    return InstanceFeatureFacts(shape(state, "model.1.weight", 4)[0], shape(state, "model.29.weight", 4)[0])


_TRUNK: tuple[Row, ...] = (
    ("trunk.first.conv.{leaf}", "model.1.{leaf}"),
    *((f"trunk.down.{k}.0.{{leaf}}", f"model.{4 + 3 * k}.{{leaf}}") for k in range(HALVINGS)),
    *((f"trunk.blocks.{k}.conv_{i}.{{leaf}}", f"model.{_FIRST_BLOCK + k}.conv_block.{1 + 4 * i}.{{leaf}}")
      for k in range(BLOCKS) for i in (0, 1)),
    *((f"trunk.up.{k}.0.{{leaf}}", f"model.{_FIRST_UP + 3 * k}.{{leaf}}") for k in range(HALVINGS)),
)
PIX2PIXHD = Layout("pix2pixHD", "generator", (
    *_TRUNK,
    ("to_image.1.{leaf}", f"model.{_LAST}.{{leaf}}"),
), _recognise_global, _describe_global, own=CLUSTERS)
PIX2PIXHD_LOCAL = Layout("pix2pixHD local", "generator", (
    *_TRUNK,
    ("first.conv.{leaf}", "model1_1.1.{leaf}"),
    ("down.0.{leaf}", "model1_1.4.{leaf}"),
    *((f"blocks.{k}.conv_{i}.{{leaf}}", f"model1_2.{k}.conv_block.{1 + 4 * i}.{{leaf}}")
      for k in range(LOCAL_BLOCKS) for i in (0, 1)),
    ("up.0.{leaf}", f"model1_2.{LOCAL_BLOCKS}.{{leaf}}"),
    ("to_image.1.{leaf}", f"model1_2.{LOCAL_BLOCKS + 4}.{{leaf}}"),
), _recognise_local, _describe_local, own=CLUSTERS)
PIX2PIXHD_DISCRIMINATOR = Layout("pix2pixHD", "discriminator", (
    ("scales.{i}.layers.{k}.{leaf}", "scale{i}_layer{k}.0.{leaf}"),
), lambda state: "scale0_layer0.0.weight" in state, _describe_discriminator)
INSTANCE_FEATURES = Layout("pix2pixHD", "encoder", (
    ("model.{k}.{leaf}", "model.{k}.{leaf}"),
), lambda state: {"model.1.weight", "model.29.weight"} <= state.keys() and not _has_trunk(state), _describe_encoder)
