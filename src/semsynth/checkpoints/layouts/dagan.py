"""The generator of DAGAN (arXiv:2008.13024) as its authors release it: SPADE's layout, and four layers besides.

`cab` reads first what `conv_64` makes of the last block's input, then the block's output.
"""

from __future__ import annotations

from dataclasses import replace

from semsynth.checkpoints.layouts import spade
from semsynth.checkpoints.layouts.backbone import EXTRAS, GeneratorFacts
from semsynth.checkpoints.layouts.table import Layout, State


def recognise(state: State) -> bool:
    """SPADE with attention."""
    return spade.modulated(state) and spade.ATTENTION in state


def describe(state: State) -> GeneratorFacts:
    """Those of SPADE."""
    return replace(spade.describe(state), generator="dagan")


DAGAN = Layout("DAGAN", "generator", (
    *spade.SPADE.rows,
    ("attention.before.{leaf}", "conv_64.{leaf}"),
    ("attention.squeeze.{leaf}", "cab.conv1.{leaf}"),
    ("attention.excite.{leaf}", "cab.conv2.{leaf}"),
    ("attention.spatial.{leaf}", "spatialAtt.conv.{leaf}"),
), recognise, describe, EXTRAS)
