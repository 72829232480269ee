from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.complexity import counting
from semsynth.complexity.layers import walk
from semsynth.complexity.maps import empty_semantics
from semsynth.complexity.published import costs
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.semantics import Semantics
from semsynth.style import Style

BOTH = [partial(Pix2PixHDGenerator, ngf=2, blocks=2), partial(Pix2PixHDLocalGenerator, ngf=4, blocks=1, local_blocks=1)]
SETTINGS = {"ade20k": (151, False, (256, 256), 182_907_395), "coco_stuff": (183, True, (256, 256), 183_010_883),
            "cityscapes": (35, True, (256, 512), 182_546_755)}


@pytest.mark.parametrize("dataset", SETTINGS)
def test_published_costs(dataset):
    classes, edges, size, parameters = SETTINGS[dataset]
    with torch.device("meta"):
        generator = Pix2PixHDGenerator(classes, size=size, edges=edges)
    layers = walk(generator, empty_semantics(size, classes))
    assert counting.parameters(layers)["total"] == parameters
    assert parameters / 1e6 == pytest.approx(costs(dataset, "pix2pixhd")["parameters"], abs=0.051)
    assert counting.macs_bias(layers)["total"] / 1e9 == pytest.approx(costs(dataset, "pix2pixhd")["flops"], abs=0.1)


@pytest.mark.parametrize(("features", "parameters"), [(0, 182_857_059), (3, 182_871_171)])
def test_parameters_of_the_local_enhancer(features, parameters):
    with torch.device("meta"):
        generator = Pix2PixHDLocalGenerator(35, edges=True, features=features)
    assert sum(p.numel() for p in generator.parameters()) == parameters


def maps(count=2, size=(64, 64), classes=5):
    torch.manual_seed(0)
    labels = torch.randint(classes, (count, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    ids = torch.randint(2, (count, 64, 64))
    return Semantics(labels, classes, torch.rand(count, 1, 64, 64).round(), instances=ids)


@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize("features", [0, 2])
def test_drawing_by_rows_is_exact(make, features):
    """Without gradients the labels' part of the first convolution is a sum of rows."""
    generator, semantics = make(5, size=(64, 64), edges=True, features=features), maps()
    style = generator.draw_style(2, semantics)
    assert (style is not None) == generator.styled == bool(features)
    if features:
        style = Style(instances=torch.randn_like(style.instances))
    dense = generator(semantics, style)
    with torch.no_grad():
        assert_close(generator(semantics, style), dense, atol=1e-5, rtol=1e-4)
    assert dense.shape == (2, 3, 64, 64)
    assert dense.requires_grad


@pytest.mark.parametrize("make", BOTH)
def test_a_single_class_leaves_no_trace(make):
    """Instance norm washes it away, for which SPADE was made (arXiv:1903.07291)."""
    trunk = make(5, size=(64, 64)).trunk
    first = trunk.first(Semantics(torch.arange(5)[:, None, None].expand(5, 64, 64).contiguous(), 5))
    assert first.std() > 0.1
    assert trunk.norm(first).abs().max() < 1e-3  # rounding


def test_the_formula_of_the_global_network():
    """As released, step by step, with its weights."""
    generator, semantics = Pix2PixHDGenerator(5, size=(64, 64), ngf=2, blocks=1, edges=True), maps()
    state = dict(generator.named_parameters())

    def conv(x, name, **settings):
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **settings)

    def normed(x):
        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()

    def padded(x, margin):
        return F.pad(x, (margin,) * 4, mode="reflect")

    x = F.relu(normed(conv(padded(semantics.one_hot(edges=True), 3), "trunk.first.conv")))
    for k in range(4):
        x = F.relu(normed(conv(x, f"trunk.down.{k}.0", stride=2, padding=1)))
    assert x.shape == (2, 32, 4, 4)
    y = F.relu(normed(conv(padded(x, 1), "trunk.blocks.0.conv_0")))
    x = x + normed(conv(padded(y, 1), "trunk.blocks.0.conv_1"))
    for k in range(4):
        name = f"trunk.up.{k}.0"
        x = F.conv_transpose2d(x, state[f"{name}.weight"], state[f"{name}.bias"], 2, 1, 1)
        x = F.relu(normed(x))
    image = torch.tanh(conv(padded(x, 3), "to_image.1"))
    assert_close(generator(semantics), image, atol=1e-5, rtol=1e-4)


def test_the_global_network_of_the_enhancer_sees_averages():
    """Pooled 3/2 without the padding, and its features are added behind the enhancer's own downsampling."""
    generator, semantics = BOTH[1](5, size=(64, 64), edges=True), maps()
    seen = []
    generator.trunk.first.conv.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    generator(semantics)
    halved = F.avg_pool2d(semantics.one_hot(edges=True), 3, 2, 1, count_include_pad=False)
    assert_close(seen[0], F.pad(halved, (3, 3, 3, 3), mode="reflect"))
    assert_close(halved[:, :5].sum(1), torch.ones(2, 32, 32))


def test_weights_are_normal_and_biases_are_torchs():
    generator = Pix2PixHDGenerator(5, size=(64, 64), ngf=8, blocks=1)
    weight = generator.trunk.blocks[0].conv_0.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert generator.trunk.first.conv.bias.abs().max() > 0


@pytest.mark.parametrize(("make", "stride"), [*zip(BOTH, (16, 32), strict=True)])
def test_sizes_that_cannot_be_made_are_told(make, stride):
    with pytest.raises(ValueError, match=rf"multiples of {stride} .*take size=\[{4 * stride},{2 * stride}\]"):
        make(5, size=(4 * stride + 1, stride))
    assert make(5, size=(64, 64)).readings(2 * stride, 4 * stride) == [(2 * stride, 4 * stride)]


def test_one_instance_can_be_changed():
    """A style holds a code for each instance; those of other instances keep theirs."""
    generator, semantics = BOTH[0](5, size=(64, 64), features=2), maps(1)
    codes = torch.zeros(1, 10, 2)
    changed = codes.clone()
    changed[0, 3] = 1.0
    first = generator.trunk.first
    a, b = (first.channels(semantics, Style(instances=c))[:, 5:] for c in (codes, changed))
    where = (a != b).any(1)[0]
    assert where.any()
    assert len(semantics.labels[0][where].unique()) == 1
    with pytest.raises(ValueError, match="codes by instance, or by class"):
        generator(semantics, Style(vector=torch.zeros(1, 2)))
