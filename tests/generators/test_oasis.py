"""The generator of OASIS: its counts, its noise, and its three ways of drawing."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from alike import drawn_alike
from torch.testing import assert_close

from semsynth.complexity import counting
from semsynth.complexity.layers import walk
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms import base
from semsynth.norms.clade import CLADE
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.styles import draw_styles

NORMS = {"spade": SPADE_Noise, "clade": CLADE, "clade_noise": CLADE_Noise}
DATA = {"ade20k": (151, (256, 256)), "coco_stuff": (183, (256, 256)), "cityscapes": (35, (256, 512))}
# parameters, and GMAC; entries of the state dict: 208 of the published one
COUNTS = {
    ("spade", "ade20k"): (74_314_691, 194.4), ("spade", "coco_stuff"): (75_199_427, None),
    ("spade", "cityscapes"): (71_107_523, 318.6),
    ("clade", "ade20k"): (52_522_179, 37.4), ("clade", "coco_stuff"): (53_386_435, None),
    ("clade", "cityscapes"): (49_389_251, 74.7),
    ("clade_noise", "ade20k"): (55_787_011, 37.4), ("clade_noise", "coco_stuff"): (57_220_611, None),
    ("clade_noise", "cityscapes"): (50_590_211, 74.7),
}
K, N = 5, 2


@pytest.mark.parametrize(("norm", "data"), COUNTS)
def test_counts(norm, data):
    classes, size = DATA[data]
    with torch.device("meta"):
        network = OASISGenerator(NORMS[norm], classes, size=size)
        layers = walk(network, Semantics(torch.zeros(1, *size).long(), classes, _checked=True))
    parameters, macs = COUNTS[norm, data]
    assert sum(p.numel() for p in network.parameters()) == parameters == counting.parameters(layers)["total"]
    assert macs is None or counting.macs(layers)["total"] / 1e9 == pytest.approx(macs, abs=0.05)
    assert norm != "spade" or len(network.state_dict()) == 208
    assert network.start_size(*size) == (size[0] // 32, size[1] // 32)


def made(norm, **options):
    factory = partial(SPADE_Noise, hidden=8, noise=4) if norm == "spade" else (
        CLADE if norm == "clade" else partial(CLADE_Noise, noise=4))
    network = OASISGenerator(factory, K, size=(64, 64), ngf=2, noise=4, init_gain=1.0, **options)
    network.conv_img.weight.data.mul_(5)
    return network


def maps(n=N, size=64):
    coarse = torch.randint(0, K, (n, 1, 4, 3)).float()
    return Semantics(F.interpolate(coarse, (size, size)).long()[:, 0], K)


@pytest.mark.parametrize("noise_per", ["picture", "class", "pixel"])
@pytest.mark.parametrize("norm", NORMS)
def test_draws_the_same_by_tables_by_the_formula_and_folded(norm, noise_per, monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)
    network = made(norm, noise_per=noise_per)
    semantics, image, _ = drawn_alike(network, maps)
    assert image.std() > 0.05
    other = network(semantics, network.draw_style(N, semantics))
    assert (image - other).abs().mean() > 1e-3, "noise is seen"


@pytest.mark.parametrize("norm", NORMS)
def test_several_styles_of_one_map(norm):
    network = made(norm).eval()
    fast, semantics = network.optimize_for_inference(), maps(1)
    semantics = fast.prepare(semantics)
    style = network.draw_style(3)
    alone = torch.cat([network(semantics, style[[i]]) for i in range(3)])
    assert_close(fast(semantics, style), alone, atol=1e-4, rtol=0)


def test_noise_for_a_class_changes_what_that_class_reaches_only():
    network = made("clade_noise", noise_per="class").eval()
    labels = torch.zeros(1, 64, 64).long()
    semantics = network.prepare(Semantics(labels, K))
    style = network.draw_style(1)
    absent = style.with_class(3, network.draw_style(1))
    assert torch.equal(network(semantics, style), network(semantics, absent))
    assert not torch.equal(network(semantics, style), network(semantics, style.with_class(0, network.draw_style(1))))


def test_the_noise_of_a_picture_does_not_depend_on_the_others():
    network = made("spade")
    few, many = (draw_styles(network, count, seed=3) for count in (2, 5))
    assert torch.equal(few.vector, many.vector[:2])
    assert len({tuple(v) for v in many.vector.tolist()}) == 5


def test_other_sizes():
    network = made("spade", noise_per="pixel").eval()
    semantics = network.prepare(maps(size=96))
    assert network(semantics).shape == (N, 3, 96, 96)
    with pytest.raises(ValueError, match="multiple of 32"):
        network.prepare(maps(size=80))


def test_checkpointing_changes_nothing():
    torch.manual_seed(0)
    network, semantics = made("spade", checkpointing=True), maps()
    style = Style(vector=torch.randn(N, 4))
    grads = []
    for checkpointing in (True, False):
        network.checkpointing = checkpointing
        torch.manual_seed(1)
        state = {k: v.clone() for k, v in network.state_dict().items()}
        image = network(network.prepare(semantics), style)
        grads.append(torch.autograd.grad(image.square().sum(), list(network.parameters())))
        network.load_state_dict(state)
    for a, b in zip(*grads, strict=True):
        assert_close(a, b, atol=1e-5, rtol=1e-3)


def test_refusals():
    with pytest.raises(ValueError, match=r"generator\.noise must"):
        OASISGenerator(CLADE, K, noise=0)
    with pytest.raises(ValueError, match="noise_per"):
        OASISGenerator(CLADE, K, noise_per="instance")
