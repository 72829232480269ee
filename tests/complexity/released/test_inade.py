"""The released formulation of INADE draws what ours draws."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.formulation import as_published
from semsynth.complexity.timing import NormTime
from semsynth.generators.inade import INADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.semantics import Semantics
from semsynth.style import Style

K, NOISE = 5, 3


def given():
    labels = torch.randint(K, (2, 4, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Semantics(labels, K, instances=(torch.arange(32) // 12).expand(2, 32, 32))


@pytest.mark.parametrize("norm", [partial(INADE, noise=NOISE), CLADE], ids=["inade", "clade"])
@pytest.mark.parametrize("codes", ["instances", "classes"])
def test_it_draws_the_same_pictures(norm, codes):
    generator = INADEGenerator(norm, K, size=(32, 32), ngf=2, start=6, noise=NOISE, upsamplings=3, init_gain=1.0)
    for name, value in generator.named_parameters():
        if name.endswith(".norm_0.bias"):
            torch.nn.init.normal_(value)
    maps, published = given(), as_published(generator)
    prepared = generator.prepare(maps.map(torch.clone))
    style = generator.draw_style(2, prepared if codes == "instances" else None)
    with torch.no_grad():
        generator.train()(prepared, style)
        generator.eval()
        published.eval()
        expected = generator(prepared, style)
        timed = NormTime(published, lambda: 0.0)
        with timed.watching():
            found = published(published.prepare(maps), style)
    assert expected.std() > 1e-3
    assert_close(found, expected, rtol=0, atol=1e-3 * expected.std().item())
    assert maps._views == {}
    assert timed.calls == len(timed.norms) == 18


def test_a_style_without_a_vector_has_one_picture():
    generator = INADEGenerator(partial(INADE, noise=NOISE), K, size=(32, 32), ngf=2, start=6, noise=NOISE).eval()
    style, maps = Style(classes=torch.randn(2, K, 2 * NOISE)), given()
    with torch.no_grad():
        expected = generator(generator.prepare(maps.map(torch.clone)), style)
        assert_close(as_published(generator).eval()(maps, style), expected, rtol=0, atol=1e-5)
