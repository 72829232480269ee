"""The folded generator draws the pictures of the generator it was made from."""

import copy
import gc
import pickle
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from lively import lively
from torch import nn

from semsynth.generators.convolution import InferenceConv2d
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import Unconditional
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics
from semsynth.style import Style

K = 5
NORMS = [CLADE, CLADE_ICPE, CLADE_DISTF, SPADE, Unconditional, Mixed(SPADE, CLADE, 3), partial(CLADE, edges=True),
         partial(SPADE, edges=True), partial(CLADE, base=nn.InstanceNorm2d)]


def label_maps(n, h, w):
    labels = F.interpolate(torch.randint(0, K, (n, 1, 4, 3)).float(), (h, w)).long()[:, 0]
    return Semantics(labels, K, torch.rand(n, 1, h, w).round(), torch.rand(n, 2, h, w) * 2 - 1)


def trained(norm, size, *, ngf=2, **kwargs):
    return lively(SPADEGenerator(norm, K, size=size, ngf=ngf, **kwargs))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("n", "size"), [(1, (64, 64)), (2, (64, 96))])
def test_draws_the_same(norm, n, size):
    network = trained(norm, size)
    folded, sem = network.optimize_for_inference(), label_maps(n, *size)
    network.prepare(sem)
    with torch.no_grad(), plain_formula():
        expected = network.double()(Semantics(sem.labels, K, sem.edges.double(), sem.offsets.double())
                                    .prepare(network.readings(*size)))
    for _ in range(2):  # the second time with kept tables
        image = folded(sem)
        assert (image - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_new_label_map_gets_new_tables():
    network = trained(SPADE, (32, 32), z_dim=4)
    folded = network.optimize_for_inference()
    style = Style(vector=torch.randn(1, 4))
    for _ in range(3):
        sem = folded.prepare(label_maps(1, 32, 32))
        with torch.no_grad():
            torch.testing.assert_close(folded(sem, style), network(sem, style), rtol=1e-4, atol=1e-5)


def test_soft_maps_take_the_plain_path():
    network = trained(CLADE, (32, 32)).double()
    soft = torch.rand(1, K, 32, 32).double().softmax(1)
    sem = network.prepare(Semantics.from_probabilities(soft))
    with torch.no_grad():
        torch.testing.assert_close(network.optimize_for_inference()(sem), network(sem))


def test_the_generator_stays_as_it_was():
    network = trained(CLADE, (32, 32))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    folded = network.optimize_for_inference()
    assert not any(p.requires_grad for p in folded.parameters())
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert all(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("norm", NORMS)
def test_many_styles_of_one_label_map(norm):
    """One map with N styles gives what N copies of it give."""
    network = trained(norm, (32, 64), z_dim=5)
    one, styles = label_maps(1, 32, 64), Style(vector=torch.randn(3, 5))
    sizes = network.readings(32, 64)
    folded = network.optimize_for_inference()
    expected, drawn = folded(one.repeat(3).prepare(sizes), styles), folded(one.prepare(sizes), styles)
    assert (drawn - expected).abs().max() < 1e-5 * expected.abs().max()


def test_other_weights_get_other_tables():
    """After load_state_dict and in another precision, for maps drawn before and for new ones."""
    first, second = trained(SPADE, (32, 32)), trained(SPADE, (32, 32))
    folded, wanted = first.optimize_for_inference(), second.optimize_for_inference()
    old, new = (first.prepare(label_maps(1, 32, 32)) for _ in range(2))
    folded(old)
    folded.load_state_dict(wanted.state_dict())
    for maps in (old, new):
        torch.testing.assert_close(folded(maps), wanted(maps))
    folded.network.double()
    torch.testing.assert_close(folded(old).float(), wanted(old), rtol=1e-4, atol=1e-5)


def test_tables_keep_their_precision_under_autocast():
    network, maps = trained(CLADE_ICPE, (32, 32)), label_maps(1, 32, 32)
    folded = network.optimize_for_inference()
    expected = network.optimize_for_inference()(network.prepare(maps))
    with torch.autocast("cpu", torch.bfloat16):
        folded(maps)
    assert torch.equal(folded(maps), expected)


def test_styles_that_do_not_go_with_the_maps_are_refused():
    network = trained(CLADE, (32, 32), z_dim=3)
    maps = network.prepare(label_maps(2, 32, 32))
    with pytest.raises(ValueError, match="3 styles for 2 label maps"):
        network.optimize_for_inference()(maps, Style(vector=torch.randn(3, 3)))


def test_tables_live_as_long_as_their_label_map():
    network = trained(CLADE, (32, 32))
    folded = network.optimize_for_inference()
    kept = folded._folded[folded.network.blocks["head_0"].norm_0].rows
    maps = [network.prepare(label_maps(1, 32, 32)) for _ in range(2)]
    for index in (0, 1, 0, 1):
        folded(maps[index])
    assert len(kept) == 2
    del maps[0]
    gc.collect()
    assert len(kept) == 1


@pytest.mark.parametrize("norm", [CLADE_ICPE, SPADE])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda folded: pickle.loads(pickle.dumps(folded))])
def test_copies_draw_the_same(norm, copied):
    """After drawing too, with weights in the layout of the convolution library; a copy follows its own weights."""
    network, other = (trained(norm, (32, 32), ngf=16) for _ in range(2))
    folded, maps = network.optimize_for_inference(), network.prepare(label_maps(1, 32, 32))
    expected = folded(maps)
    twin = copied(folded)
    assert torch.equal(twin(maps), expected)
    twin.load_state_dict(other.optimize_for_inference().state_dict())
    torch.testing.assert_close(twin(maps), other(maps))
    assert torch.equal(folded(maps), expected)


@pytest.mark.parametrize("channels", [(64, 96, 3), (128, 64, 1), (4, 5, 3)])
@pytest.mark.parametrize("side", [8, 40])
def test_convolutions_with_kept_weights(channels, side):
    fin, fout, kernel = channels
    layer = nn.Conv2d(fin, fout, kernel, padding=kernel // 2)
    fast, x = InferenceConv2d(layer), torch.randn(2, fin, side, side).to(memory_format=torch.channels_last)
    with torch.no_grad():
        expected = layer(x)
        for _ in range(2):
            assert (fast(x) - expected).abs().max() < 1e-5 * expected.abs().max()
        assert (fast(x[:1, :, :4]) - layer(x[:1, :, :4])).abs().max() < 1e-5 * expected.abs().max()  # another shape
        assert fast.double()(x.double()).dtype == torch.float64
