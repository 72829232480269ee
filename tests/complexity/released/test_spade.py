"""The released SPADE, CLADE, OASIS and GroupDNet draw what ours draw, and keep no tables."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.released.spade import PublishedNorm, PublishedSPADE
from semsynth.complexity.timing import NormTime
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.group import Grouped
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style

K = 5
LOW, HIGH = partial(SPADE, hidden=8, edges=True), partial(CLADE_ICPE, edges=True, zero_start=False)


def given(size=32):
    labels = torch.randint(K, (2, size // 8, size // 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Semantics(labels, K, torch.rand(2, 1, size, size).round(), torch.rand(2, 2, size, size) * 2 - 1)


@pytest.mark.parametrize(("norm", "options"), [
    (partial(SPADE, hidden=8), {}), (LOW, {"edges": True}), (CLADE, {"edges": True}), (HIGH, {"fc_offsets": True}),
    (CLADE_DISTF, {"z_dim": 4, "fc_offsets": True}), (Mixed(LOW, HIGH, 4), {"edges": True}),
], ids=["spade", "spade edges", "clade edges", "icpe", "distf", "mixed"])
def test_it_draws_the_same_pictures(norm, options):
    generator = SPADEGenerator(norm, K, size=(32, 32), ngf=2, init_gain=1.0, **options)
    for name, value in generator.named_parameters():
        if name.endswith(".beta"):
            torch.nn.init.normal_(value)
    style = Style(vector=torch.randn(2, 4)) if generator.z_dim else None
    published, maps = PublishedSPADE(generator), given()
    prepared = generator.prepare(maps.map(torch.clone))
    with torch.no_grad():
        generator.train()(prepared, style)  # statistics of its own
        generator.eval()
        published.eval()
        expected = generator(prepared, style)
        timed = NormTime(published, lambda: 0.0)
        with timed.watching():
            found = published(published.prepare(maps), style)
    assert expected.std() > 0.01
    assert_close(found, expected, rtol=0, atol=1e-4)
    # no table of classes or patches was made, and every norm ran as a whole
    assert (maps._views, maps._classes, maps._patches) == ({}, None, {})
    assert timed.calls == len(timed.norms) == 18


@pytest.mark.parametrize("style", [Style(vector=torch.randn(2, 6)), Style(classes=torch.randn(2, K, 6)),
                                   Style(noise=torch.randn(2, 6, 64, 64))], ids=["picture", "class", "map"])
@pytest.mark.parametrize("norm", [partial(SPADE_Noise, noise=6, hidden=8), CLADE], ids=["spade", "clade"])
def test_oasis_draws_the_same_pictures(norm, style):
    generator = OASISGenerator(norm, K, size=(64, 64), ngf=2, noise=6, init_gain=1.0)
    published, maps = PublishedSPADE(generator).eval(), given(64)
    with torch.no_grad():
        generator.train()(generator.prepare(maps.map(torch.clone)), style)
        expected = generator.eval()(generator.prepare(maps.map(torch.clone)), style)
        found = published(published.prepare(maps), style)
    assert expected.std() > 0.001
    assert_close(found, expected, rtol=0, atol=1e-3 * expected.std().item())
    assert (maps._views, maps._classes, maps._patches) == ({}, None, {})


@pytest.mark.parametrize("norm", [Grouped(hidden=8), Grouped(hidden=10, hidden_groups=K, edges=True), CLADE],
                         ids=["group", "group edges", "clade"])
def test_groupdnet_draws_the_same_pictures(norm):
    generator = GroupDNetGenerator(norm, K, size=(32, 32), ngf=5, code=2, groups=[K] * 7, init_gain=1.0)
    published, maps = PublishedSPADE(generator), given()
    prepared, style = generator.prepare(maps.map(torch.clone)), generator.draw_style(2)
    with torch.no_grad():
        generator.train()(prepared, style)
        expected = generator.eval()(prepared, style)
        found = published.eval()(published.prepare(maps), style)
    assert expected.std() > 0.001
    assert_close(found, expected, rtol=0, atol=1e-3 * expected.std().item())
    assert (maps._views, maps._classes, maps._patches) == ({}, None, {})


@pytest.mark.parametrize("norm", [torch.nn.BatchNorm2d(4), CLADE_Noise(4, K)], ids=lambda norm: type(norm).__name__)
def test_a_norm_that_is_not_published(norm):
    """CLADE with noise would lose its noise, were it taken for CLADE."""
    with pytest.raises(ValueError, match=f"not {type(norm).__name__}: take formulation=fast"):
        PublishedNorm(norm)
