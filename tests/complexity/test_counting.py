from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from semsynth.complexity import counting, formulas
from semsynth.complexity.layers import network_work, walk
from semsynth.complexity.maps import empty_semantics
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.style import StyleEncoder
from semsynth.errors import CountError
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.base import Norm, batch_norm
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import Unconditional
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics


def semantics(n=1, h=64, w=64, k=5):
    return Semantics(torch.randint(k, (n, h, w)), k, torch.rand(n, 1, h, w).round(), torch.rand(n, 2, h, w))


class Formula(nn.Module):
    """SPADE or CLADE with edges as their equations stand, so that a counter of operations sees all of them."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def fused(self, x, semantics, style=None):
        return None

    def forward(self, x, semantics, style=None, slope=1.0):
        one_hot = torch.rand(x.shape[0], 6, *x.shape[-2:])
        if isinstance(self.norm, SPADE):
            hidden = self.norm.shared(one_hot).relu()
            return x * (1 + self.norm.gamma(hidden)) + self.norm.beta(hidden)
        out = [x, self.norm.edge(one_hot[:, :1])]
        if isinstance(self.norm, CLADE_ICPE):
            out[0] = x * self.norm.position_gamma(one_hot[:, :2]) + self.norm.position_beta(one_hot[:, :2])
        return torch.cat(out, 1)


@pytest.mark.parametrize("norm", [SPADE, CLADE, CLADE_ICPE])
def test_macs_are_half_of_torchs_flops(norm, small):
    generator = small(norm)
    ours = walk(generator, semantics())
    for block in generator.blocks.values():
        for name in ("norm_0", "norm_1", "norm_s"):
            if getattr(block, name) is not None:
                plain = Formula(getattr(block, name))
                setattr(block, name, plain)
    given = semantics()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator.eval()(given.prepare([(h, w) for h, w in generator.readings(64, 64)]))
    # 1x1 convolutions of one or two channels may be computed as other operations; here all are convolutions
    assert 2 * counting.macs(ours)["total"] == counter.get_total_flops()


def test_discriminator_and_encoder_against_torchs_flops():
    discriminator, encoder = MultiscaleDiscriminator(5, edges=True, ndf=4).eval(), StyleEncoder((64, 64), nef=4).eval()
    for network, inputs in ((discriminator, (semantics(), torch.rand(1, 3, 64, 64))),
                            (encoder, (torch.rand(1, 3, 64, 64),))):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(*inputs)
        assert 2 * network_work(network, *inputs)[0] == counter.get_total_flops()


@pytest.mark.parametrize(("classes", "edges", "millions"), [(151, False, 5.84), (183, True, 5.90), (35, True, 5.60)])
def test_the_discriminators_of_the_papers(classes, edges, millions):
    with torch.device("meta"):
        network = MultiscaleDiscriminator(classes, edges=edges)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


def test_the_encoder_of_the_papers():
    with torch.device("meta"):
        network = StyleEncoder((256, 256))
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(10.46, abs=0.005)


@pytest.mark.parametrize("norm", [SPADE, CLADE, CLADE_ICPE, CLADE_DISTF])
def test_every_parameter_belongs_to_one_layer(norm, small):
    generator = small(norm)
    layers = walk(generator, semantics())
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in generator.parameters())
    assert len({layer.name for layer in layers}) == len(layers)


def test_the_count_is_the_same_on_any_device_and_in_any_mode(small):
    for norm in (SPADE, CLADE_ICPE):
        generator = small(norm)
        counted = [walk(generator.train(mode), semantics()) for mode in (True, False)]
        with torch.device("meta"):
            counted.append(walk(small(norm), empty_semantics((64, 64), 5)))
        assert counted[0] == counted[1] == counted[2]


def test_the_walk_leaves_the_network_as_it_was(small):
    generator, given = small(CLADE).eval(), semantics()
    generator.prepare(given)
    before = generator(given)
    walk(generator, semantics())
    torch.testing.assert_close(generator(given), before)


def test_costs_are_those_of_one_image(small):
    with pytest.raises(CountError, match="one label map, not 3"):
        walk(small(), semantics(3))


def test_the_closed_forms_agree_with_the_layers(published_layers):
    for method, form in (("spade", formulas.spade_parameters), ("clade", formulas.clade_parameters),
                         ("clade_icpe", formulas.icpe_parameters)):
        for layer in published_layers("ade20k", method):
            if layer.kind == "norm":
                assert layer.weights == form(layer.channels_in, 151)
                pixels = layer.size[0] * layer.size[1]
                icpe = method == "clade_icpe"
                assert layer.elementwise == (4 if icpe else 2) * layer.channels_in * pixels
                assert layer.macs == (layer.weights * pixels if method == "spade" else 4 * pixels if icpe else 0)
            elif layer.kind == "conv" and layer.name.startswith("blocks"):
                assert layer.weights == formulas.conv_parameters(layer.channels_in, layer.channels_out, layer.kernel)


def test_a_transposed_convolution_counts_at_its_output():
    layer = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)
    assert network_work(layer, torch.rand(1, 4, 8, 8)) == (9 * 4 * 6 * 16 * 16, 6 * 16 * 16)


def test_groups_divide_the_work():
    layer = nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False)
    assert network_work(layer, torch.rand(1, 4, 5, 5)) == (9 * 2 * 8 * 25, 0)


def test_mixed_norms_lie_between(small):
    low, high = partial(SPADE, edges=True), partial(CLADE, edges=True)
    totals = []
    for transition in (0, 4, 7):
        generator = SPADEGenerator(Mixed(low, high, transition), 5, size=(64, 64), ngf=4, edges=True)
        totals.append(counting.macs(walk(generator, semantics()))["total"])
    assert totals[0] < totals[1] < totals[2]


def test_a_style_vector_and_other_parameters_are_counted():
    generator = SPADEGenerator(Unconditional, 5, size=(64, 64), ngf=4, z_dim=8)
    layers = walk(generator, semantics())
    assert layers[0].kind == "linear"
    assert layers[0].macs == 8 * 64 * 2 * 2


class ByStyle(Norm):
    """Gamma and beta of a class by linear layers of its code."""

    reads_style = True

    def __init__(self, channels, num_classes, base=batch_norm):
        super().__init__(channels, num_classes, base)
        self.code, self.output = nn.Linear(6, 4), nn.Linear(4, 2 * channels, bias=False)

    def modulation(self, view, style=None):
        rows = self.output(self.code(style))  # (K,2*C)
        return rows[view.labels].permute(0, 3, 1, 2).chunk(2, 1)


class OneNorm(nn.Module):
    """A norm of 3 channels at 8x8 that is given a style by class."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm(3, 5)

    def readings(self, h, w):
        return [(h, w), (8, 8)]

    def forward(self, given):
        return self.norm(torch.rand(1, 3, 8, 8), given, torch.rand(5, 6))


def test_linear_layers_of_a_norm_cost_as_often_as_they_run():
    """Here once a class, at any size of the features."""
    network = OneNorm(ByStyle)
    layer, = walk(network, semantics())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(semantics().prepare([(8, 8)]))
    assert 2 * layer.macs == counter.get_total_flops() == 2 * 5 * (6 * 4 + 4 * 6)
    assert (layer.kind, layer.parameters, layer.additions) == ("norm", 6 * 4 + 4 + 4 * 6, 5 * 4)


def test_linear_layers_that_are_not_reached_are_an_error():
    class Aside(ByStyle):
        def modulation(self, view, style=None):
            return self.code.bias[:3, None, None], self.code.bias[:3, None, None]

    with pytest.raises(CountError, match=r"norm \(Aside\) went around 2 of its linear layers"):
        walk(OneNorm(Aside), semantics())


def test_a_norm_that_is_not_reached_is_an_error(small):
    generator = small(CLADE)
    generator.forward = lambda given, style=None: None
    with pytest.raises(CountError, match=r"went around 18 of its norms"):
        walk(generator, semantics())


def test_layers_that_are_not_reached_have_no_work(small):
    generator = small(CLADE)
    generator.spare = nn.Conv2d(3, 4, 3)
    last = walk(generator, semantics())[-1]
    assert (last.name, last.macs, last.parameters) == ("spare", 0, 112)


def test_a_layer_that_runs_twice_is_an_error():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        def readings(self, h, w):
            return [(h, w)]

        def forward(self, given):
            return self.conv(self.conv(given.edges))

    with pytest.raises(CountError, match="ran twice"):
        walk(Twice(), semantics())
