"""The table of released layouts: one file each, read in both directions."""

from semsynth.checkpoints.layouts.clade import CLADE
from semsynth.checkpoints.layouts.oasis import OASIS, OASIS_DISCRIMINATOR
from semsynth.checkpoints.layouts.patchgan import PATCHGAN
from semsynth.checkpoints.layouts.spade import SPADE
from semsynth.checkpoints.layouts.style_encoder import STYLE_ENCODER
from semsynth.checkpoints.layouts.table import Layout

LAYOUTS: tuple[Layout, ...] = (SPADE, CLADE, PATCHGAN, STYLE_ENCODER, OASIS, OASIS_DISCRIMINATOR)

__all__ = ["CLADE", "LAYOUTS", "OASIS", "OASIS_DISCRIMINATOR", "PATCHGAN", "SPADE", "STYLE_ENCODER", "Layout"]
