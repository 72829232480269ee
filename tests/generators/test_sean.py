"""SEAN's generator: fast paths against the plain formula, styles of regions, codes of classes that a style lacks."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.generators.class_codes import ClassCodes
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Semantics
from semsynth.style import Style

K, Z = 4, 6
KINDS = {"ace": partial(ACE, hidden=8), "ace_clade": ACE_CLADE}


def made(kind="ace", size=(32, 32), **words):
    norm = KINDS[kind]
    generator = SEANGenerator(Mixed(partial(norm, codes=Z), partial(norm, styled=False), 6), K, size=size, ngf=2,
                              init_gain=1.0, **words)
    for p in generator.parameters():
        if p.ndim == 1:
            torch.nn.init.normal_(p, std=0.3)
    return generator


def labels_of(count=2, size=32):
    return torch.randint(0, K, (count, 4, 4)).repeat_interleave(size // 4, 1).repeat_interleave(size // 4, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_draw_what_the_formula_draws(kind):
    generator, labels = made(kind).double(), labels_of()
    style = generator.draw_style(2)
    generator(generator.prepare(Semantics(labels, K)), style)  # statistics
    generator.eval()
    with torch.no_grad():
        with plain_formula():
            expected = generator(generator.prepare(Semantics(labels, K)), style)
        assert_close(generator(generator.prepare(Semantics(labels, K)), style), expected)
        fast = generator.optimize_for_inference()
        assert_close(fast(fast.prepare(Semantics(labels, K)), style), expected)
    assert expected.std() > 0.01


def test_many_styles_of_one_map():
    generator = made().eval()
    fast, labels, style = generator.optimize_for_inference(), labels_of(1), generator.draw_style(3)
    with torch.no_grad():
        expected = generator(generator.prepare(Semantics(labels.expand(3, -1, -1).contiguous(), K)), style)
    assert_close(fast(fast.prepare(Semantics(labels, K)), style), expected, atol=1e-5, rtol=1e-4)


def test_published_blocks_have_styles_but_for_the_last():
    norms = [module for module in made().modules() if isinstance(module, ACE)]
    assert [norm.layer for norm in norms] == list(range(18))
    assert sum(norm.reads_style for norm in norms) == 15
    assert all(not norm.reads_style for norm in norms[15:])


def test_a_class_without_a_code_looks_as_it_does_on_average():
    generator, labels = made().eval(), labels_of()
    generator.codes.fit(torch.tensor([3, 3, 3, 0]), torch.randn(K, Z), torch.ones(K, Z))
    style = generator.draw_style(2)
    codes = style.classes.clone()
    codes[:, 1] = 0
    lacking, average = Style(classes=codes.clone(), noise=style.noise), codes
    average[:, 1] = generator.codes.means[1]
    with torch.no_grad():
        found, expected = (generator(generator.prepare(Semantics(labels, K)), s)
                           for s in (lacking, Style(classes=average, noise=style.noise)))
    assert torch.equal(found, expected)


def test_codes_of_classes():
    codes, samples = ClassCodes(2, 3), torch.rand(10, 3)
    codes.fit(torch.tensor([10, 0]), torch.stack([samples.sum(0), torch.zeros(3)]),
              torch.stack([samples.square().sum(0), torch.zeros(3)]))
    assert_close(codes.means[0], samples.mean(0))
    assert_close(codes.deviations[0], samples.std(0, correction=0), atol=1e-4, rtol=1e-3)
    assert codes.known.tolist() == [10, 0]
    drawn = codes.drawn(2000)
    assert_close(drawn[:, 0].mean(0), samples.mean(0), atol=0.05, rtol=0)
    assert drawn.abs().max() <= 1
    assert codes.drawn(1, lambda shape: torch.zeros(shape))[0].tolist() == codes.means.tolist()


def test_what_is_drawn_is_the_seed_s():
    generator = made()
    numbers = [torch.Generator().manual_seed(1) for _ in range(2)]
    first, second = (generator.draw_style(2, None, lambda shape, g=g: torch.randn(shape, generator=g)) for g in numbers)
    assert torch.equal(first.noise, second.noise)
    assert torch.equal(first.classes, second.classes)
    kept = generator.completed(first)
    assert kept.noise is first.noise
    assert generator.completed(Style(classes=first.classes)).noise.shape == (2, 18, 32, 32)


def test_other_norms_are_refused():
    with pytest.raises(ValueError, match="norm=ace or norm=ace_clade"):
        SEANGenerator(CLADE, K, size=(32, 32), ngf=2)
