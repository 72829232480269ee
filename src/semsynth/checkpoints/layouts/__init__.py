"""The table of released layouts: one file each, read in both directions."""

from semsynth.checkpoints.layouts.cc_fpse import CC_FPSE
from semsynth.checkpoints.layouts.clade import CLADE
from semsynth.checkpoints.layouts.dagan import DAGAN
from semsynth.checkpoints.layouts.fpse import FPSE
from semsynth.checkpoints.layouts.groupdnet import GROUP_ENCODER, GROUPDNET
from semsynth.checkpoints.layouts.inade import INADE, INSTANCE_ENCODER
from semsynth.checkpoints.layouts.oasis import OASIS, OASIS_DISCRIMINATOR
from semsynth.checkpoints.layouts.patchgan import PATCHGAN
from semsynth.checkpoints.layouts.pix2pixhd import (
    INSTANCE_FEATURES,
    PIX2PIXHD,
    PIX2PIXHD_DISCRIMINATOR,
    PIX2PIXHD_LOCAL,
)
from semsynth.checkpoints.layouts.sean import SEAN, SEAN_ENCODER
from semsynth.checkpoints.layouts.spade import SPADE
from semsynth.checkpoints.layouts.style_encoder import STYLE_ENCODER
from semsynth.checkpoints.layouts.table import Layout

LAYOUTS: tuple[Layout, ...] = (
    SPADE,
    CLADE,
    CC_FPSE,
    DAGAN,
    GROUPDNET,  # before OASIS, which has a place for all its names
    OASIS,
    SEAN,
    INADE,
    PIX2PIXHD,
    PIX2PIXHD_LOCAL,
    PIX2PIXHD_DISCRIMINATOR,  # before PATCHGAN, which has a place for all its names
    PATCHGAN,
    FPSE,
    OASIS_DISCRIMINATOR,
    STYLE_ENCODER,
    INSTANCE_FEATURES,
    SEAN_ENCODER,
    GROUP_ENCODER,
    INSTANCE_ENCODER,
)

__all__ = [
    "CC_FPSE", "CLADE", "DAGAN", "FPSE", "GROUPDNET", "GROUP_ENCODER", "INADE", "INSTANCE_ENCODER", "LAYOUTS", "OASIS",
    "OASIS_DISCRIMINATOR", "PATCHGAN", "SEAN", "SEAN_ENCODER", "SPADE", "STYLE_ENCODER", "Layout",
]
