"""Reading gamma and beta, against formulas written anew."""

from functools import partial

import numpy as np
import pytest
import torch
from reference import conv_at, one_hot
from torch.testing import assert_close

from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.base import Norm, plain_formula
from semsynth.norms.conditional import Unconditional
from semsynth.norms.spade import SPADE
from semsynth.papers.figure2 import modulation_maps, plainest
from semsynth.papers.figure3 import Statistics, modulation_statistics
from semsynth.papers.modulation import (
    ClassMoments,
    Modulation,
    Place,
    places,
    read_modulation,
    share,
    uniform_surroundings,
)
from semsynth.semantics import Semantics


def test_gamma_and_beta_are_those_of_the_formula_at_every_norm():
    generator = SPADEGenerator(partial(SPADE, hidden=4, edges=True), 3, size=(32, 32), ngf=2, edges=True, init_gain=1.0)
    semantics = Semantics(torch.randint(3, (2, 32, 32)), 3, torch.rand(2, 1, 32, 32).round())
    generator.prepare(semantics)
    seen = {}
    handles = [m.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: tuple(given[0].shape[2:])}))
               for name, m in generator.named_modules() if isinstance(m, Norm)]
    with plain_formula(), torch.no_grad():
        generator(semantics)
    for handle in handles:
        handle.remove()
    found = list(read_modulation(semantics, places(generator, (32, 32))))
    assert {f"blocks.{read.place.name}": read.place.size for read in found} == seen  # and in this order
    assert [f"blocks.{read.place.name}" for read in found] == list(seen)
    for read in (found[0], found[8], found[-1]):
        norm, (h, w) = read.place.norm.double(), read.place.size
        view = semantics.at(h, w)
        assert read.labels.equal(view.labels)
        channels = one_hot(view.labels, 3, view.edges)
        for i, j in ((0, 0), (h // 2, w - 1)):
            window = torch.zeros(1, 4, h, w, dtype=torch.float64)
            for y in range(max(0, i - 1), min(h, i + 2)):
                for x in range(max(0, j - 1), min(w, j + 2)):
                    window[0, :, y, x] = conv_at(channels, norm.shared.weight, norm.shared.bias, 1, y, x).relu()
            for layer, values in ((norm.gamma, read.gamma), (norm.beta, read.beta)):
                expected = conv_at(window, layer.weight, layer.bias, 0, i, j)
                assert_close(values[1, :, i, j].double(), expected, rtol=0, atol=1e-5)


def test_the_share_between_classes_is_that_of_its_definition():
    labels, values = torch.randint(3, (4, 5, 6)), torch.randn(4, 2, 5, 6) + 100
    values += labels[:, None] * torch.tensor([1.0, 0.1])[:, None, None]
    moments = ClassMoments(5, 2)  # of which two do not occur
    moments.add(labels[:3], values[:3])
    moments.add(labels[3:], values[3:])
    where, rows = labels.numpy().ravel(), values.permute(0, 2, 3, 1).reshape(-1, 2).numpy().astype(float)
    means = np.stack([rows[where == k].mean(0) for k in range(3)])[where]
    assert share([moments]) == pytest.approx(means.var(0).sum() / rows.var(0).sum(), rel=1e-9)
    flat = ClassMoments(5, 2)
    flat.add(labels, torch.ones_like(values))
    assert np.isnan(share([flat]))


def test_clade_varies_between_classes_only_and_spade_within_them_near_borders(trained):
    by_norm = {norm: modulation_statistics((one := trained(norm)).generator, one.label_maps(6, size=4))
               for norm in ("spade", "clade", "clade_icpe")}
    for norm, found in by_norm.items():
        assert found.maps == 6
        assert list(found.last) == [(1 << k, 1 << k) for k in range(6)]
        for size in list(found.last)[3:]:  # at 4x4 and below the house is one pixel, or none
            shares = {found.share(quantity, size) for quantity in ("gamma", "beta")}
            assert all(s == pytest.approx(1, abs=1e-6) if norm == "clade" else 0.02 < s < 0.98 for s in shares)
    spade = trained("spade")
    maps = modulation_maps(spade.generator, next(spade.label_maps(1)))
    assert maps.read.place.name == "up_3.norm_1"
    inside = maps.read.gamma[0, :, 2:6, 2:30]  # of the sky, two pixels and more from all else
    assert inside.std((1, 2)).max() < 1e-6
    assert maps.read.gamma[0, :, 6:8, 2:30].std((1, 2)).max() > 1e-3


@pytest.mark.parametrize("side", [16, 64, 256])
def test_histograms_have_as_many_pixels_of_the_border_as_the_maps(side):
    """SPADE's modulation differs there: with every n-th pixel of 256x256 half of them were of the first column."""
    classes = torch.ones(2, side, side, dtype=torch.int64)
    classes[:, 0] = classes[:, -1] = classes[:, :, 0] = classes[:, :, -1] = 0
    place = Place("last", (side, side), None)
    found = Statistics([place])
    found.add(Modulation(place, classes, classes[:, None].float(), -classes[:, None].float()), 2)
    for quantity, sign in (("gamma", 1), ("beta", -1)):
        _, labels, values = found.sample(quantity, (side, side))
        assert len(labels) == 2 * min(512, side * side)
        assert (values == sign * labels).all()
        assert (labels == 0).mean() == pytest.approx(1 - (1 - 2 / side) ** 2, abs=0.03)


def test_surroundings_of_one_class():
    labels = torch.zeros(1, 8, 8, dtype=torch.int64)
    assert uniform_surroundings(labels) == 16 / 64  # the border is another class
    labels[0, 4, 4] = 1
    assert uniform_surroundings(labels) == 0


def test_the_plainest_label_maps(trained):
    one = trained()
    one.split[3]["labels"] = torch.zeros(32, 32, dtype=torch.int64)
    assert plainest(one, 1, 6) == [3]
    one.split[4]["labels"] = torch.full((32, 32), 3)
    assert plainest(one, 1, 6, ["house"]) == [4]
    with pytest.raises(ValueError, match="streets has no class field"):
        plainest(one, 1, 6, ["field"])


def test_a_network_that_does_not_modulate():
    with pytest.raises(ValueError, match="no norm of this network modulates"):
        places(SPADEGenerator(Unconditional, 3, size=(32, 32), ngf=2), (32, 32))
