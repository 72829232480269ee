"""What the released generators of SPADE and CLADE have in common: everything but their norms."""

from __future__ import annotations

from dataclasses import dataclass

from semsynth.checkpoints.layouts.table import Row, State, shape, spectral
from semsynth.errors import CheckpointError

# the statistics of the norm without parameters; ours are called `base`
ROWS: tuple[Row, ...] = (
    ("fc.{leaf}", "fc.{leaf}"),
    *spectral("blocks.{block}.{conv}", "{block}.{conv}"),
    ("blocks.{block}.{norm}.base.{leaf}", "{block}.{norm}.param_free_norm.{leaf}"),
    ("conv_img.{leaf}", "conv_img.{leaf}"),
)
# synchronised batch norm outside torch leaves accumulators beside the statistics
EXTRAS = (r".*\.param_free_norm\.[^.]+",)
FIRST = "head_0.norm_0"


@dataclass(frozen=True)
class GeneratorFacts:
    """What the names and shapes of a generator's tensors say.

    Attributes:
        norm: Choice of conf/norm.
        base: Choice of conf/base.
        ngf: Width of the last block (of the last but one with `most`).
        channels: Input channels of the label map, the edges included; None where the shapes do not say.
        num_classes: Label channels; None where edges, if any, cannot be told from classes.
        edges: Whether one more channel holds the edges; None where it cannot be told.
        z_dim: Length of the style vector; 0: the start grid comes from the label map.
        grid: Positions of the start grid with a style vector.
        most: Whether there is an eighth block (7 upsamplings).
        out_channels: Of the images.
        hidden: Width of SPADE's modulation, or of CC-FPSE's predictors; None without them.
        kernel_size: Of SPADE's modulation; None without it.
        generator: Choice of conf/generator.
        pyramid: Width of CC-FPSE's features of the label map; None without them.
        sizes: At which CC-FPSE's features of the label map are made; None without them.
    """

    norm: str
    base: str
    ngf: int
    channels: int | None
    num_classes: int | None
    edges: bool | None
    z_dim: int
    grid: int
    most: bool
    out_channels: int
    hidden: int | None = None
    kernel_size: int | None = None
    generator: str = "spade"
    pyramid: int | None = None
    sizes: int | None = None

    @property
    def upsamplings(self) -> tuple[int, ...]:
        """How many upsamplings there can be."""
        if self.sizes is not None:
            return (self.sizes - 1,)
        return (7,) if self.most else (5, 6)


def has_backbone(state: State) -> bool:
    """Whether a state dict has the names of these generators."""
    return {"fc.weight", "conv_img.weight", "head_0.conv_0.bias"} <= state.keys() and not grouped(state)


def grouped(state: State) -> bool:
    """Whether the first convolution reads fewer channels than it makes, as with groups of channels."""
    weight = state.get("head_0.conv_0.weight_orig")
    return weight is not None and weight.ndim == 4 and weight.shape[1] < weight.shape[0]


def backbone_facts(state: State) -> dict[str, object]:
    """The facts that do not depend on the modulation, and `fc_channels`, the channels of a convolution at the start.

    Raises:
        CheckpointError: the shapes contradict each other.
    """
    width, = shape(state, "head_0.conv_0.bias", 1)
    if width == 0 or width % 16:
        raise CheckpointError(f"head_0.conv_0.bias has {width} values, which is no multiple of 16")
    fc = shape(state, "fc.weight")
    if len(fc) not in (2, 4) or fc[0] == 0 or fc[0] % width or (len(fc) == 4 and fc[0] != width):
        raise CheckpointError(f"fc.weight has the shape {list(fc)}, which does not go with head_0 of {width} channels")
    return {
        "base": "batch" if f"{FIRST}.param_free_norm.running_mean" in state else "instance",
        "ngf": width // 16,
        "z_dim": fc[1] if len(fc) == 2 else 0,
        "grid": fc[0] // width,
        "most": "up_4.conv_0.bias" in state,
        "out_channels": shape(state, "conv_img.weight", 4)[0],
        "fc_channels": fc[1] if len(fc) == 4 else None,
    }
