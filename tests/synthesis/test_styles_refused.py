"""What is said of styles names a way that the generator has."""

import pytest

from semsynth.errors import StyleError
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.clade import CLADE
from semsynth.synthesis.styles import choose_styles

NOTHING = {"style": [], "samples": 1, "interpolate": 0, "seed": 0}


def test_crn_draws_several_pictures_where_it_was_trained_for_them():
    generator = CRNGenerator(num_classes=2, size=(32, 32), ngf=2)
    with pytest.raises(StyleError, match=r"generator=crn: with generator\.pictures=9"):
        choose_styles(generator, None, (32, 32), **{**NOTHING, "samples": 2})


def test_oasis_takes_no_photograph_but_draws_styles():
    generator = OASISGenerator(CLADE, num_classes=2, size=(64, 64), ngf=2, noise=3)
    with pytest.raises(StyleError, match=r"OASIS and CRN take none: samples= draws"):
        choose_styles(generator, None, (64, 64), **{**NOTHING, "style": ["photo.png"]})
    assert len(choose_styles(generator, None, (64, 64), **{**NOTHING, "samples": 2})) == 2
