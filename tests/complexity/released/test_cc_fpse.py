"""The released CC-FPSE draws what ours draws, and keeps no tables."""

import pytest
import torch
from torch.testing import assert_close

from semsynth.complexity.released.cc_fpse import PublishedCCFPSE
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.semantics import Semantics
from semsynth.style import Style

K = 5


def given():
    labels = torch.randint(K, (2, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Semantics(labels, K, torch.rand(2, 1, 64, 64).round())


@pytest.mark.parametrize(("edges", "z_dim"), [(False, 4), (True, 0)])
def test_it_draws_the_same_pictures(edges, z_dim):
    generator = CCFPSEGenerator(K, size=(64, 64), ngf=2, hidden=8, pyramid=6, edges=edges, z_dim=z_dim, init_gain=1.0)
    style = Style(vector=torch.randn(2, z_dim)) if z_dim else None
    published, maps = PublishedCCFPSE(generator).eval(), given()
    prepared = generator.prepare(maps.map(torch.clone))
    with torch.no_grad():
        generator.train()(prepared, style)  # statistics of its own
        expected = generator.eval()(prepared, style)
        found = published(published.prepare(maps), style)
    assert expected.std() > 0.01
    assert_close(found, expected, rtol=0, atol=1e-4)
    assert (maps._views, maps._classes, maps._patches) == ({}, None, {})


def test_it_trains_the_same_weights():
    generator = CCFPSEGenerator(K, size=(64, 64), ngf=2, hidden=8, pyramid=6, init_gain=1.0).eval()
    maps = given()
    gradients = []
    for network in (generator, PublishedCCFPSE(generator)):
        network(network.prepare(maps.map(torch.clone))).mean().backward()
        gradients.append(generator.blocks["up_0"].kernels_0.hidden.weight.grad.clone())
        generator.zero_grad()
    assert gradients[0].abs().max() > 0
    assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-4 * gradients[0].abs().max().item())
