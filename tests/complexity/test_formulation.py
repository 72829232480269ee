"""The formulation of the released networks draws what ours draws, and keeps no tables."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.formulation import PublishedGenerator, PublishedNorm
from semsynth.complexity.timing import NormTime
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
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
    published, maps = PublishedGenerator(generator), given()
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


def test_a_norm_that_is_not_published():
    with pytest.raises(ValueError, match="not BatchNorm2d: take formulation=fast"):
        PublishedNorm(torch.nn.BatchNorm2d(4))


def test_a_generator_that_is_not_published():
    with pytest.raises(ValueError, match="SPADE's generator, not PublishedGenerator: take formulation=fast"):
        PublishedGenerator(PublishedGenerator(SPADEGenerator(CLADE, K, size=(32, 32), ngf=2)))
