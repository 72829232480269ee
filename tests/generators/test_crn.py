import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.complexity import counting
from semsynth.complexity.layers import walk
from semsynth.complexity.maps import empty_semantics
from semsynth.generators.crn import CRNGenerator
from semsynth.semantics import Semantics
from semsynth.style import Style


@pytest.mark.parametrize(("channels", "size", "pictures", "parameters", "giga"), [
    (20, (256, 512), 1, 97_863_171, None), (20, (256, 512), 9, 97_875_483, 1075.0),
    (20, (512, 1024), 1, 98_622_851, 1472.0), (20, (1024, 2048), 1, 98_674_531, 1580.7),
    (151, (256, 256), 1, 105_106_947, 592.7), (183, (256, 256), 1, 106_876_419, 606.4)])
def test_costs_of_the_released_code(channels, size, pictures, parameters, giga):
    with torch.device("meta"):
        generator = CRNGenerator(channels, size=size, pictures=pictures)
    layers = walk(generator, empty_semantics(size, channels))
    assert counting.parameters(layers)["total"] == parameters
    if giga:
        assert counting.macs(layers)["total"] / 1e9 == pytest.approx(giga, abs=0.05)


def maps(count=2, classes=5, size=(16, 32)):
    torch.manual_seed(0)
    return Semantics(torch.randint(classes, (count, *size)), classes)


def test_label_maps_are_averaged():
    semantics = maps()
    generator = CRNGenerator(5, size=(16, 32), ngf=1)
    levels = generator.pyramid(semantics)
    assert [tuple(level.shape[2:]) for level in levels] == [(4, 8), (8, 16), (16, 32)]
    assert all(torch.allclose(level.sum(1), torch.ones(())) for level in levels)
    assert_close(levels[0][1, :, 2, 3], semantics.one_hot()[1, :, 8:12, 12:16].mean((1, 2)))
    shared = CRNGenerator(5, size=(16, 32), ngf=1, channels=[1, 0, 1, 1, 2]).pyramid(semantics)[0]
    assert_close(shared, torch.stack([levels[0][:, 1], levels[0][:, [0, 2, 3]].sum(1), levels[0][:, 4]], 1))


def test_the_formula():
    """Step by step, with layer norm over a whole sample."""
    generator, semantics = CRNGenerator(5, size=(8, 16), ngf=1), maps(size=(8, 16))
    state = {name: p + 0.3 * torch.randn_like(p) for name, p in generator.named_parameters()}
    generator.load_state_dict(state)

    def layer(x, stage, k):
        x = F.conv2d(x, state[f"stages.{stage}.conv_{k}.weight"], padding=1)
        x = (x - x.mean((1, 2, 3), keepdim=True)) / x.var((1, 2, 3), keepdim=True, unbiased=False).sqrt()
        gamma, beta = (state[f"stages.{stage}.norm_{k}.{leaf}"][:, None, None] for leaf in ("weight", "bias"))
        return F.leaky_relu(x * gamma + beta, 0.2)

    classes = semantics.one_hot()
    x = layer(layer(F.avg_pool2d(classes, 2), 0, 0), 0, 1)
    x = torch.cat([F.interpolate(x, (8, 16), mode="bilinear", align_corners=True), classes], 1)
    x = layer(layer(x, 1, 0), 1, 1)
    image = F.conv2d(x, state["to_image.weight"], state["to_image.bias"])
    assert_close(generator(semantics), image, atol=1e-4, rtol=1e-4)
    assert_close(generator.eval()(semantics), image.clamp(-1, 1), atol=1e-4, rtol=1e-4)


def test_nine_pictures_lie_colour_by_colour():
    generator, semantics = CRNGenerator(5, size=(8, 8), ngf=1, pictures=9), maps(size=(8, 8))
    with torch.no_grad():
        generator.to_image.weight.zero_()
        generator.to_image.bias.copy_(torch.arange(27.0))
    pictures = generator.all_pictures(semantics)
    assert pictures.shape == (2, 9, 3, 8, 8)
    assert pictures[0, 4, :, 0, 0].tolist() == [4.0, 13.0, 22.0]
    chosen = torch.zeros(2, 9)
    chosen[0, 7] = chosen[1, 2] = 1
    image = generator(semantics, Style(vector=chosen))
    assert [image[n, 0, 0, 0].item() for n in (0, 1)] == [7.0, 2.0]
    torch.manual_seed(0)
    drawn = generator.draw_style(900).vector.argmax(1)
    assert torch.bincount(drawn, minlength=9).min() > 60


@pytest.mark.parametrize(("settings", "words"), [
    ({"size": (24, 24)}, "4 times a power of two, such as 32"),
    ({"size": (8, 17)}, r"multiple of 2: take size=\[8,16\]"),
    ({"channels": [0, 1]}, "one for each of 5 classes"), ({"channels": [0, 0, 2, 2, 3]}, "without gaps"),
    ({"pictures": 0}, "pictures must be 1 or more")])
def test_what_cannot_be_built(settings, words):
    with pytest.raises(ValueError, match=words):
        CRNGenerator(5, **{"size": (16, 16), "ngf": 1, **settings})


def test_styles_that_choose_nothing():
    generator = CRNGenerator(5, size=(8, 8), ngf=1, pictures=3)
    with pytest.raises(ValueError, match="3 pictures, of which a style vector"):
        generator(maps(size=(8, 8)), Style(vector=torch.zeros(2, 4)))
    assert CRNGenerator(5, size=(8, 8), ngf=1).draw_style(2) is None
