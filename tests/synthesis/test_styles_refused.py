"""What is said of styles that a run cannot take names a way that its generator has."""

import pytest

from semsynth.errors import StyleError
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.clade import CLADE
from semsynth.synthesis.map_styles import choose_styles
from semsynth.synthesis.maps import MapReader, mask_decoder

NAMES, COLOURS, SIZE = ["sky", "road"], [[0, 0, 255], [90, 90, 90]], (64, 64)


@pytest.mark.parametrize(("generator", "told"), [
    (CRNGenerator(num_classes=2, size=SIZE, ngf=2), r"generator=crn: with generator\.pictures=9"),
    (CRNGenerator(num_classes=2, size=SIZE, ngf=2, pictures=3), "OASIS and CRN take none: samples= draws"),
    (OASISGenerator(CLADE, num_classes=2, size=SIZE, ngf=2, noise=3), "OASIS and CRN take none: samples= draws"),
], ids=["crn", "crn_diverse", "oasis"])
def test_a_photograph_as_style(generator, told):
    reader = MapReader(NAMES, COLOURS, mask_decoder(NAMES, COLOURS, masks="ids"), None, False, None, SIZE)
    with pytest.raises(StyleError, match=told):
        choose_styles(generator, None, reader, SIZE, style={"all": ["photo.png"]})
