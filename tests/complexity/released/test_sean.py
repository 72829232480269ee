"""The released formulation of SEAN draws what ours draws."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.formulation import as_published
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Semantics

K = 5


@pytest.mark.parametrize("norm", [partial(ACE, hidden=8), ACE_CLADE], ids=["sean", "sean_clade"])
def test_it_draws_the_same_pictures(norm):
    generator = SEANGenerator(Mixed(partial(norm, codes=6), partial(norm, styled=False), 6), K, size=(32, 32), ngf=2,
                              init_gain=1.0)
    for p in generator.parameters():
        if p.ndim == 1:
            torch.nn.init.normal_(p, std=0.3)
    labels = torch.randint(K, (2, 4, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    style, maps = generator.draw_style(2), Semantics(labels, K)
    published = as_published(generator)
    prepared = generator.prepare(Semantics(labels, K))
    with torch.no_grad():
        generator.train()(prepared, style)
        generator.eval()
        published.eval()
        expected, found = generator(prepared, style), published(published.prepare(maps), style)
    assert expected.std() > 0.01
    assert_close(found, expected, rtol=0, atol=1e-4)
    assert (maps._views, maps._classes, maps._patches) == ({}, None, {})
