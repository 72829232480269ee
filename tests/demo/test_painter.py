"""Painters of networks whose classes have styles of their own."""

from functools import partial

import numpy as np
import pytest
import torch
from asking import painted
from PIL import Image

from semsynth.demo.painter import Painter
from semsynth.drawing import draw
from semsynth.encoders.instance import InstanceEncoder
from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.errors import StyleError
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE_CLADE
from semsynth.norms.inade import INADE
from semsynth.norms.schedule import Mixed
from semsynth.pictures.grid import to_uint8
from semsynth.semantics import Semantics
from semsynth.synthesis.condition import Condition
from semsynth.synthesis.recipe import Recipe
from semsynth.synthesis.styles import with_noise_of
from semsynth.synthesizer import Synthesizer

K, SIZE = 5, (32, 32)
PHOTOGRAPH = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8))


def sean():
    norm = Mixed(partial(ACE_CLADE, codes=6), partial(ACE_CLADE, styled=False), 6)
    return SEANGenerator(norm, K, size=SIZE, ngf=2, init_gain=1.0), RegionStyleEncoder(codes=6, nef=2)


def inade():
    generator = INADEGenerator(partial(INADE, noise=4), K, size=SIZE, ngf=2, start=6, noise=4, init_gain=1.0,
                               upsamplings=3)
    return generator, InstanceEncoder(4, nef=2, init_gain=1.0)


@pytest.fixture(scope="module", params=[sean, inade], ids=lambda make: make.__name__)
def painter(request):
    torch.manual_seed(0)
    generator, encoder = request.param()
    condition = Condition(tuple("abcde"), ((0, 0, 0),) * K, None, False, None, SIZE)
    return Painter(Synthesizer(generator.eval(), encoder, condition), "tiny", SIZE)


def changed(painter, style, other):
    """Where two styles draw differently."""
    a, b = (painter.draw(painted(), words).astype(int) for words in (style, other))
    return np.abs(a - b).sum(2)


def test_each_class_has_a_style(painter):
    assert painter.facts == {"name": "tiny", "styled": True, "encodes": True, "regions": True, "instances": False}
    base = {"seed": 3}
    grass = changed(painter, base, {"base": base, "classes": {"3": {"seed": 4}}})
    assert grass[20:].mean() > 2 * grass[:12].mean()
    absent = changed(painter, base, {"base": base, "classes": {"1": {"seed": 4}}})
    assert absent.max() == 0


def cars():
    """One on the left, and one on the right that a square touches at a corner."""
    labels = painted()
    labels[4:14, 4:14] = labels[20:28, 20:28] = labels[28:31, 28:31] = 4
    return labels


@pytest.fixture(scope="module")
def of_instances(tiny_run):
    """A painter whose network knows instances."""
    return Painter(Synthesizer.from_run(tiny_run(norm="inade")), "inade", SIZE)


def one(place, seed=4, label=4):
    return {"at": place, "class": label, "style": {"seed": seed}}


def test_an_instance_has_a_style(of_instances):
    """All of its pixels, and no other one of its class, also where corners touch."""
    assert of_instances.facts["instances"]
    draw, base = partial(of_instances.draw, cars()), {"seed": 3}
    before = draw(base)
    first, second, both = (draw({"base": base, "instances": places}) for places in
                           ([one([5, 5])], [one([27, 27])], [one([12, 12]), one([20, 20]), one([28, 28])]))
    far = np.abs(before.astype(int) - first).sum(2)
    assert far[4:14, 4:14].mean() > 3 * far[20:28, 20:28].mean()
    far = np.abs(before.astype(int) - second).sum(2)
    assert far[20:28, 20:28].mean() > 3 * far[4:14, 4:14].mean()
    everywhere = draw({"base": base, "classes": {"4": {"seed": 4}}})
    assert np.array_equal(both, everywhere)  # these are all of their class
    two = draw({"base": base, "instances": [one([12, 12]), one([20, 20])]})
    assert not np.array_equal(two, everywhere)
    assert not np.array_equal(first, everywhere)
    assert np.array_equal(draw({"base": base, "instances": [one([5, 5], 9), one([13, 13])]}), first)  # the last holds
    assert np.array_equal(draw({"base": base, "instances": [one([5, 5], 3)]}), before)  # its own style


def test_an_instance_goes_before_its_class(of_instances):
    draw, base = partial(of_instances.draw, cars()), {"seed": 3}
    words = {"base": base, "classes": {"4": {"seed": 4}}, "instances": [one([5, 5], 3)]}
    assert np.array_equal(draw(words), draw({"base": base, "instances": [one([24, 24]), one([30, 30])]}))


@pytest.mark.parametrize(("instances", "told"), [
    ([one([0, 0])], r"class 0 at \[0,0\], where an instance of class 4"),
    ([one([32, 0])], "outside of the label map, which has 32 rows and 32 columns"),
    ([one([5, 5], label=5)], "class 5 is no class from 0 to 4"),
    ([one([5, -1])], "at is .ROW, COLUMN."), ([one([5, 5.0])], "at is"), ([one([5])], "at is"), ([one("55")], "at is"),
    ([one([5, 5], label=True)], "class True is no class"),
    ([one([5, 5], seed=-1)], "seed"), ("car", "a list"), ([4], "a list of tables"), ({"5": 5}, "a list"),
    ([{"at": [5, 5], "class": 4}], "a style is a table"), ([one([5, 5])] * 1025, "no more than 1024"),
])
def test_what_is_no_instance_is_refused(of_instances, instances, told):
    with pytest.raises(StyleError, match=told):
        of_instances.draw(cars(), {"base": {"seed": 3}, "instances": instances})


def test_instances_within_another_style_are_refused(of_instances):
    words = {"base": {"base": {"seed": 3}, "instances": [one([5, 5])]}, "classes": {}}
    with pytest.raises(StyleError, match="only a whole style"):
        of_instances.draw(cars(), words)


def test_networks_that_know_no_instances_say_so(painter, tiny_run):
    words = {"base": {"seed": 3}, "instances": [one([5, 5])]}
    with pytest.raises(StyleError, match="all instances of a class in one style"):
        painter.draw(cars(), words)
    of_pictures = Painter(Synthesizer.from_run(tiny_run(z_dim=3)), "plain", SIZE)
    with pytest.raises(StyleError, match="those of whole pictures"):
        of_pictures.draw(cars(), words)


def test_the_style_of_a_photograph_follows_the_map(painter):
    words = painter.encode(PHOTOGRAPH, painted())
    assert set(words) == {"codes"}
    assert words == painter.encode(PHOTOGRAPH, painted())
    assert words != painter.encode(PHOTOGRAPH, painted()[::-1])
    assert changed(painter, words, {"seed": 3}).max() > 0
    mixed = {"between": [words, {"seed": 3}], "share": 0.5}
    assert changed(painter, words, mixed).max() > 0
    assert np.array_equal(painter.draw(painted(), mixed), painter.draw(painted(), mixed))


@pytest.mark.parametrize("words", [{"seed": 7}, {"base": {"seed": 1}, "classes": {"2": {"seed": 3}}}])
def test_a_recipe_draws_the_noise_of_another_size_again(words):
    torch.manual_seed(0)
    generator, encoder = sean()
    for name, weight in generator.named_parameters():
        if "noise_scale" in name:
            torch.nn.init.constant_(weight, 0.3)
    condition = Condition(tuple("abcde"), ((0, 0, 0),) * K, None, False, None, SIZE)
    synthesizer, labels = Synthesizer(generator.eval(), encoder, condition), painted().repeat(2, 0).repeat(2, 1)
    picture = Painter(synthesizer, "tiny", (64, 64)).draw(labels, words)
    semantics = Semantics(torch.from_numpy(labels.astype(np.int64))[None], K)
    style = Recipe(words).reference(generator, semantics).style
    assert style.noise.shape[-2:] == (64, 64)
    again = draw(generator.optimize_for_inference(), semantics, with_noise_of(style, (64, 64), 0))
    assert np.array_equal(to_uint8(again[0].numpy()), picture)


def test_runs_without_styles_of_their_own(tiny_run):
    plain = Painter(Synthesizer.from_run(tiny_run()), "plain", SIZE)
    assert plain.facts == {"name": "plain", "styled": False, "encodes": False, "regions": False,
                           "instances": False}
    with pytest.raises(StyleError, match="no styles"):
        plain.draw(painted(), {"seed": 1})
    with pytest.raises(StyleError, match="no style encoder"):
        plain.encode(PHOTOGRAPH, painted())
