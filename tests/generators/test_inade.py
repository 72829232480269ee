"""The generator of INADE: published counts, its ways of drawing, and codes that change their instance alone."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from alike import drawn_alike
from torch.testing import assert_close

from semsynth.complexity import counting
from semsynth.complexity.layers import walk
from semsynth.generators.inade import INADEGenerator
from semsynth.norms import base
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.styles import completed, draw_styles

DATA = {"ade20k": (151, (256, 256), 64, 90_893_827), "celebamask": (19, (256, 256), 64, 85_115_395),
        "cityscapes": (35, (256, 512), 64, 77_394_435), "deepfashion": (8, (256, 256), 8, 84_020_995)}
K, N, Z = 5, 2, 4


@pytest.mark.parametrize("data", DATA)
def test_counts(data):
    classes, size, noise, parameters = DATA[data]
    with torch.device("meta"):
        network = INADEGenerator(partial(INADE, noise=noise), classes, size=size, noise=noise)
        layers = walk(network, Semantics(torch.zeros(1, *size).long(), classes, _checked=True))
    assert sum(p.numel() for p in network.parameters()) == parameters == counting.parameters(layers)["total"]
    assert len(network.state_dict()) == 198
    assert network.fc.out_features == (32768 if data == "cityscapes" else 65536)


def made(**options):
    network = INADEGenerator(partial(INADE, noise=Z), K, size=(32, 32), ngf=2, start=6, noise=Z, init_gain=1.0,
                             upsamplings=3, **options)
    network.conv_img.weight.data.mul_(5)
    return network


def maps(n=N):
    labels = F.interpolate(torch.randint(0, K, (n, 1, 4, 3)).float(), (32, 32)).long()[:, 0]
    return Semantics(labels, K, instances=(torch.arange(32) // 8).expand(n, 32, 32))


def test_draws_the_same_by_tables_by_the_formula_and_folded(monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)
    network = made()
    _, image, fast = drawn_alike(network, maps)
    with torch.no_grad():
        one, three = network.prepare(maps(1)), network.draw_style(3)
        alone = torch.cat([network(one, three[[i]]) for i in range(3)])
        assert_close(fast(one, three), alone, atol=1e-9, rtol=0)
    assert image.std() > 0.05


def test_a_style_without_a_vector():
    """As an encoder says it: random in training, the same every time otherwise, drawn where it is completed."""
    network = made()
    semantics = network.prepare(maps())
    style = Style(instances=network.draw_style(N, semantics).instances)
    assert not torch.equal(network(semantics, style), network(semantics, style))
    network.eval()
    assert torch.equal(network(semantics, style), network(semantics, style))
    first, again, other = (completed(network, style, seed, semantics) for seed in (1, 1, 2))
    assert first.vector.shape == (N, 6)
    assert torch.equal(first.vector, again.vector)
    assert not torch.isclose(first.vector, other.vector).any()
    assert not torch.isclose(first.vector[0], first.vector[1]).any()  # one for each picture
    assert completed(network, first, 2).vector is first.vector
    assert not torch.equal(network(semantics, first), network(semantics, other))


def test_an_instance_changes_alone_in_the_norms():
    network = made().eval()
    semantics = network.prepare(maps(1))
    style, other = network.draw_style(1, semantics), network.draw_style(1, semantics)
    codes = style.instances.clone()
    codes[:, 2] = other.instances[:, 2]
    norm, x = network.blocks["up_3"].norm_0, torch.randn(1, 4, 32, 32)
    changed = (norm(x, semantics, style) != norm(x, semantics, Style(instances=codes))).any(1)
    assert torch.equal(changed, semantics.regions().index == 2)


def test_the_codes_of_a_picture_do_not_depend_on_the_others():
    network, semantics = made(), maps(3)
    few = draw_styles(network, 1, 3, Semantics(semantics.labels[:1], K, instances=semantics.instances[:1]))
    many = draw_styles(network, 3, 3, semantics)
    count = few.instances.shape[1]
    assert torch.equal(few.instances, many.instances[:1, :count])
    assert torch.equal(few.vector, many.vector[:1])
    assert draw_styles(network, 2, 0).classes.shape == (2, K, 2 * Z)


def test_another_norm_and_refusals():
    network = INADEGenerator(CLADE, K, size=(32, 32), ngf=2, start=6, upsamplings=3)
    assert network(network.prepare(maps())).shape == (N, 3, 32, 32)
    with pytest.raises(ValueError, match="generator.noise=9"):
        INADEGenerator(INADE, K, noise=9)
    with pytest.raises(ValueError, match=r"generator\.start"):
        INADEGenerator(INADE, K, start=0)
