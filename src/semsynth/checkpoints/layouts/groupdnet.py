"""The networks of GroupDNet (arXiv:2003.12697) as their authors release them: SPADE's names, grouped shapes.

A file does not say how many groups a convolution has: with the channels that come in, the shape of its weight does. The
first block is taken to have as many as there are classes, as in all released files. The one for ADE20K holds an eighth
block, `up_4`, which its network never reads; it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from semsynth.checkpoints.layouts import spade
from semsynth.checkpoints.layouts.backbone import EXTRAS, FIRST, GeneratorFacts, backbone_facts, grouped
from semsynth.checkpoints.layouts.style_encoder import STYLE_ENCODER, has_layers, layers
from semsynth.checkpoints.layouts.table import Layout, State, shape
from semsynth.errors import CheckpointError

BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")


@dataclass(frozen=True)
class GroupDNetFacts(GeneratorFacts):
    """What the names and shapes of GroupDNet's generator say; lists have an entry for each block.

    Attributes:
        code: Channels of a class's code.
        groups: Of the channels.
        widths: Channels out, as multiples of `ngf`.
        hiddens: Channels between the convolutions of the norms.
        hidden_groups: Groups of the first of these.
        output_groups: Groups of the second.
    """

    code: int = 0
    groups: tuple[int, ...] = ()
    widths: tuple[float, ...] = ()
    hiddens: tuple[int, ...] = ()
    hidden_groups: tuple[int, ...] = ()
    output_groups: tuple[int, ...] = ()

    @property
    def upsamplings(self) -> tuple[int, ...]:
        """Six, whatever the size."""
        return (6,)


@dataclass(frozen=True)
class GroupEncoderFacts:
    """What the shapes say: classes, channels of a class in the first layer and in its code, number of layers."""

    num_classes: int
    class_width: int
    code: int
    depth: int


def recognise(state: State) -> bool:
    """SPADE's names with grouped convolutions."""
    return grouped(state) and {"fc.weight", "conv_img.weight", f"{FIRST}.mlp_shared.0.weight"} <= state.keys()


def describe(state: State) -> GroupDNetFacts:
    """The facts.

    Raises:
        CheckpointError: the shapes contradict each other.
    """
    facts: dict[str, Any] = backbone_facts(state)
    code, channels = facts.pop("fc_channels"), 16 * facts["ngf"]
    num_classes = _groups(state, "head_0.conv_0.weight_orig", channels)
    edges = _per_group(state, f"{FIRST}.mlp_shared.0.weight") == 2
    widths: list[int] = []
    groups: list[int] = []
    hiddens: list[int] = []
    firsts: list[int] = []
    seconds: list[int] = []
    for block in BLOCKS:
        hiddens.append(shape(state, f"{block}.norm_0.mlp_shared.0.bias", 1)[0])
        groups.append(_groups(state, f"{block}.conv_0.weight_orig", channels))
        firsts.append(_groups(state, f"{block}.norm_0.mlp_shared.0.weight", num_classes * (1 + edges)))
        seconds.append(_groups(state, f"{block}.norm_0.mlp_gamma.weight", hiddens[-1]))
        channels = shape(state, f"{block}.conv_1.bias", 1)[0]
        widths.append(channels)
    ngf = channels if 16 * channels == widths[0] else max(1, channels // 2)
    facts |= {"norm": "group", "generator": "groupdnet", "ngf": ngf, "most": False}
    return GroupDNetFacts(channels=num_classes + edges, num_classes=num_classes, edges=edges, code=code,
                          widths=tuple(width / ngf for width in widths), groups=tuple(groups), hiddens=tuple(hiddens),
                          hidden_groups=tuple(firsts), output_groups=tuple(seconds), **facts)


def _per_group(state: State, key: str) -> int:
    return shape(state, key, 4)[1]


def _groups(state: State, key: str, channels: int) -> int:
    """Of a convolution of so many channels."""
    each = _per_group(state, key)
    if each == 0 or channels % each:
        raise CheckpointError(f"{key} reads {each} channels for each group, which do not divide {channels}")
    return channels // each


def recognise_encoder(state: State) -> bool:
    """Convolutional heads."""
    return has_layers(state, 4)


def describe_encoder(state: State) -> GroupEncoderFacts:
    """The facts.

    Raises:
        CheckpointError: the shapes contradict each other.
    """
    depth = layers(state)
    codes, last, *_ = shape(state, "fc_mu.weight", 4)
    width, channels = last // min(2 ** (depth - 1), 8), shape(state, "layer1.0.weight_orig", 4)[0]
    if width == 0 or channels % width or codes % (channels // width):
        raise CheckpointError(f"fc_mu.weight has the shape {list(state['fc_mu.weight'].shape)}, which does not go with "
                              f"{channels} channels of the first layer")
    return GroupEncoderFacts(channels // width, width, codes // (channels // width), depth)


GROUPDNET = Layout("GroupDNet", "generator", spade.SPADE.rows, recognise, describe, (*EXTRAS, r"up_4\..*"))
GROUP_ENCODER = Layout("GroupDNet's encoder", "encoder", STYLE_ENCODER.rows, recognise_encoder, describe_encoder)
