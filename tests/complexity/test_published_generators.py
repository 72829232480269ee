"""Generators that are methods of their own: our counts are the published ones."""

from functools import partial

import pytest
import torch

from semsynth.complexity import counting
from semsynth.complexity.layers import network_work, walk
from semsynth.complexity.maps import empty_semantics
from semsynth.complexity.published import costs
from semsynth.complexity.tables import label
from semsynth.discriminators.fpse import FPSEDiscriminator
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.predicted_convolution import PredictedConv2d
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

SETTINGS = {"ade20k": (151, False, (256, 256)), "coco_stuff": (183, True, (256, 256)),
            "cityscapes": (35, True, (256, 512))}


def cc_fpse(classes, size, edges):
    return CCFPSEGenerator(classes, size=size, edges=edges, z_dim=256)


def dagan(classes, size, edges):
    return DAGANGenerator(partial(SPADE, edges=edges), classes, size=size, edges=edges)


@pytest.fixture(scope="module")
def published_layers():
    known = {}

    def layers(dataset, build):
        if (dataset, build) not in known:
            classes, edges, size = SETTINGS[dataset]
            with torch.device("meta"):
                known[dataset, build] = walk(build(classes, size, edges), empty_semantics(size, classes))
        return known[dataset, build]

    return layers


# operations in 1e9: multiply-accumulates, and with the additions of biases, of which the published are said to be
GIGA = {
    (cc_fpse, "ade20k"): (437.930, 438.275), (cc_fpse, "coco_stuff"): (455.808, 456.153),
    (cc_fpse, "cityscapes"): (738.677, 739.355),
    (dagan, "ade20k"): (185.983, 186.119), (dagan, "cityscapes"): (290.943, 291.211)}
# where the published number is not met to 0.1, and by how much
FURTHER = {(cc_fpse, "cityscapes"): 0.16}


@pytest.mark.parametrize(("build", "dataset"), GIGA, ids=lambda x: getattr(x, "__name__", x))
def test_operations(build, dataset, published_layers):
    layers = published_layers(dataset, build)
    found = [count(layers)["total"] / 1e9 for count in (counting.macs, counting.macs_bias)]
    assert found == pytest.approx(GIGA[build, dataset], abs=0.0006)
    theirs = costs(dataset, build.__name__)
    assert found[1] == pytest.approx(theirs["flops"], abs=FURTHER.get((build, dataset), 0.1))
    assert counting.parameters(layers)["total"] / 1e6 == pytest.approx(theirs["parameters"], abs=0.05)


@pytest.mark.parametrize("dataset", SETTINGS)
def test_without_the_second_products_cc_fpse_costs_what_is_published(dataset, published_layers):
    layers = published_layers(dataset, cc_fpse)
    second = [layer.macs for layer in layers if layer.name.endswith(".product_1")]
    assert len(second) == 7
    giga = (counting.macs_bias(layers)["total"] - sum(second)) / 1e9
    assert giga == pytest.approx(costs(dataset, "cc_fpse")["flops"], abs=0.05)  # to the digit printed


@pytest.mark.parametrize(("dataset", "giga"), [("ade20k", 437.7), ("coco_stuff", 455.6), ("cityscapes", 738.2)])
def test_unfolded_products_of_cc_fpse(dataset, giga, published_layers):
    """They are what its layers do besides: 0.05 % of all."""
    layers = published_layers(dataset, cc_fpse)
    unfolded = [layer for layer in layers if layer.kind == "unfolded"]
    assert len(unfolded) == 14
    h, w = unfolded[-1].size
    assert (unfolded[-1].channels_in, unfolded[-1].macs) == (64, 9 * 64 * h * w)
    dense = counting.macs(layers)["total"] - sum(layer.macs for layer in unfolded)
    assert dense / 1e9 == pytest.approx(giga, abs=0.05)


@pytest.mark.parametrize("build", [partial(CCFPSEGenerator, z_dim=4), Pix2PixHDGenerator])
def test_the_count_is_the_same_where_drawing_takes_another_path(build):
    """On a CPU without gradients rows of tables stand for the first convolution, and no product is unfolded."""
    counted = []
    for device in ("cpu", "meta"):
        with torch.device(device):
            maps = Semantics(torch.zeros(1, 64, 64, dtype=torch.int64), 5, _checked=True)
            counted.append(walk(build(5, size=(64, 64), ngf=2), maps))
    assert counted[0] == counted[1]
    assert all(layer.macs for layer in counted[0] if layer.kind in ("conv", "linear", "unfolded"))


def test_an_unfolded_product_within_another_network():
    assert network_work(PredictedConv2d(), torch.rand(1, 4, 6, 5), torch.rand(1, 36, 6, 5)) == (9 * 4 * 6 * 5, 0)


def test_the_discriminator_embeds_a_sixteenth_of_the_positions():
    maps, image = empty_semantics((64, 64), 5), torch.empty(1, 3, 64, 64, device="meta")
    with torch.device("meta"):
        network = FPSEDiscriminator(5, ndf=4)
    seen = []
    network.embedding.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape)))
    assert network_work(network, maps, image)[0] > 0
    assert seen == [(1, 8, 16, 16)]


def test_records_have_the_papers_names():
    setting = {"norm": "cc_fpse", "method": None, "ngf": 16}
    assert label({"setting": setting}) == "cc_fpse, ngf 16"
    assert label({"setting": setting | {"method": "cc_fpse"}}) == "cc_fpse"
