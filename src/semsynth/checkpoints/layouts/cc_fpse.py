"""The generator of CC-FPSE (arXiv:1910.06809) as its authors release it: `100_net_G.pth`, `200_net_G.pth`.

Every block of theirs holds three batch norms (`norm_0`, `conv_0.norm_layer`, `conv_2.norm_layer`; 26,112 parameters in
all) that nothing reads; ours keeps them as `unread`. `gen_weights1` and `gen_se_weights1` belong to the first half of
a block, `norm_1` and `norm_2` to its two products.

Not certain, since all shapes are alike: that `labellat1` and `labeldec1` stand next to the smallest features, as ours
do, and not next to the largest.
"""

from __future__ import annotations

import re

from semsynth.checkpoints.layouts.backbone import GeneratorFacts
from semsynth.checkpoints.layouts.table import Layout, Row, State, shape, spectral
from semsynth.errors import CheckpointError

LEVELS = 8  # with 7 upsamplings
PREDICTORS = {"kernels_0": "gen_weights1", "kernels_1": "gen_weights2", "gate_0": "gen_se_weights1",
              "gate_1": "gen_se_weights2"}
FIRST = "labelenc1.0.0.weight_orig"
# synchronised batch norms outside torch leave accumulators beside the statistics
EXTRAS = (r".+\._(tmp_running_mean|tmp_running_var|running_iter)",)


def _pyramid(ours: str, theirs: str) -> tuple[Row, ...]:
    return tuple(row for k in range(LEVELS) for row in (
        *spectral(f"pyramid.{ours}.{k}.0", f"{theirs}{k + 1}.0.0"),
        (f"pyramid.{ours}.{k}.1.{{leaf}}", f"{theirs}{k + 1}.0.1.{{leaf}}")))


def recognise(state: State) -> bool:
    """A pyramid of the label map, and blocks that predict weights."""
    return {FIRST, "head_0.gen_weights1.0.weight"} <= state.keys()


def describe(state: State) -> GeneratorFacts:
    """The facts; whether the last channel holds edges is not among them.

    Raises:
        CheckpointError: the shapes contradict each other.
    """
    width, *_ = shape(state, "head_0.conv_3.weight", 4)
    if width == 0 or width % 16:
        raise CheckpointError(f"head_0.conv_3.weight has {width} outputs, which is no multiple of 16")
    fc = shape(state, "fc.weight")
    if len(fc) not in (2, 4) or fc[0] == 0 or fc[0] % width or (len(fc) == 4 and fc[0] != width):
        raise CheckpointError(f"fc.weight has the shape {list(fc)}, which does not go with head_0 of {width} channels")
    pyramid, channels, *_ = shape(state, FIRST, 4)
    hidden, read, *_ = shape(state, "head_0.gen_weights1.0.weight", 4)
    if read != channels + pyramid:
        raise CheckpointError(f"head_0.gen_weights1.0.weight reads {read} channels, but label map and features have "
                              f"{channels} and {pyramid}")
    sizes = sum(re.fullmatch(r"labelenc\d+\.0\.0\.weight_orig", key) is not None for key in state)
    return GeneratorFacts(
        norm="spade", base="batch", ngf=width // 16, channels=channels, num_classes=None, edges=None,
        z_dim=fc[1] if len(fc) == 2 else 0, grid=fc[0] // width, most="up_4.conv_1.weight" in state,
        out_channels=shape(state, "conv_img.weight", 4)[0], hidden=hidden, generator="cc_fpse", pyramid=pyramid,
        sizes=sizes)


CC_FPSE = Layout("CC-FPSE", "generator", (
    ("fc.{leaf}", "fc.{leaf}"),
    *_pyramid("encoders", "labelenc"),
    *_pyramid("laterals", "labellat"),
    *_pyramid("decoders", "labeldec"),
    *(row for ours, theirs in PREDICTORS.items() for row in (
        (f"blocks.{{block}}.{ours}.hidden.{{leaf}}", f"{{block}}.{theirs}.0.{{leaf}}"),
        (f"blocks.{{block}}.{ours}.output.{{leaf}}", f"{{block}}.{theirs}.2.{{leaf}}"))),
    ("blocks.{block}.norm_0.{leaf}", "{block}.norm_1.{leaf}"),
    ("blocks.{block}.norm_1.{leaf}", "{block}.norm_2.{leaf}"),
    ("blocks.{block}.conv_0.{leaf}", "{block}.conv_1.{leaf}"),
    ("blocks.{block}.conv_1.{leaf}", "{block}.conv_3.{leaf}"),
    *spectral("blocks.{block}.conv_s", "{block}.conv_s"),
    ("blocks.{block}.norm_s.base.{leaf}", "{block}.norm_s.param_free_norm.{leaf}"),
    ("blocks.{block}.norm_s.shared.{leaf}", "{block}.norm_s.mlp_shared.0.{leaf}"),
    ("blocks.{block}.norm_s.{part}.{leaf}", "{block}.norm_s.mlp_{part}.{leaf}"),
    ("blocks.{block}.unread.0.{leaf}", "{block}.norm_0.{leaf}"),
    ("blocks.{block}.unread.1.{leaf}", "{block}.conv_0.norm_layer.{leaf}"),
    ("blocks.{block}.unread.2.{leaf}", "{block}.conv_2.norm_layer.{leaf}"),
    ("conv_img.{leaf}", "conv_img.{leaf}"),
), recognise, describe, EXTRAS, (r".+\.(norm_0|conv_0\.norm_layer|conv_2\.norm_layer)\.\w+",))
