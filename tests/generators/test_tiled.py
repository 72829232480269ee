"""Pictures in tiles are those in one piece, whatever the norms, styles and noise."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from lively import lively
from torch import nn

from semsynth.generators import tiled, tiled_cc_fpse
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.base import PONO
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.conditional import Unconditional
from semsynth.norms.group import Grouped
from semsynth.norms.inade import INADE
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics

K = 6
SIZE, TILE = (224, 160), (80, 64)  # tiles end at odd and even rows and columns
TOLERANCE = 1e-5  # of pictures in [-1,1]: convolutions of another shape sum in another order


def label_maps(count=1, size=SIZE, cells=(14, 10)):
    labels = F.interpolate(torch.randint(0, K, (count, 1, *cells)).float(), size).long()[:, 0]
    instances = F.interpolate(torch.randint(0, 3, (count, 1, 4, 3)).float(), size).long()[:, 0]
    return Semantics(labels, K, torch.rand(count, 1, *size).round(), torch.rand(count, 2, *size) * 2 - 1,
                     instances=instances)


def copy_of(semantics):
    """Unprepared."""
    return Semantics(semantics.labels, K, semantics.edges, semantics.offsets, semantics.probabilities,
                     semantics.instances)


def sean(norm):
    return SEANGenerator(Mixed(partial(norm, codes=4), partial(norm, styled=False), transition=6), K, size=(64, 64),
                         ngf=2, upsamplings=4)


def spade(norm, make=SPADEGenerator, **more):
    return make(norm, K, size=(64, 64), ngf=2, **({"upsamplings": 4} | more))


def oasis(norm, per):
    return OASISGenerator(norm, K, size=(64, 64), ngf=2, noise=4, noise_per=per)


def cc_fpse(**more):
    return CCFPSEGenerator(K, size=(64, 64), ngf=2, upsamplings=4, hidden=4, pyramid=4, **more)


GENERATORS = {
    "clade": lambda: spade(CLADE),
    "clade edges": lambda: spade(partial(CLADE, edges=True), edges=True),
    "clade_icpe": lambda: spade(CLADE_ICPE, fc_offsets=True),
    "clade_distf": lambda: spade(CLADE_DISTF),
    "spade": lambda: spade(SPADE),
    "spade edges": lambda: spade(partial(SPADE, edges=True)),
    "spade, kernels of 5": lambda: spade(partial(SPADE, kernel_size=5)),
    "mixed": lambda: spade(Mixed(SPADE, CLADE, 4)),
    "none": lambda: spade(Unconditional),
    "base=pono": lambda: spade(partial(CLADE, base=PONO)),
    "seven upsamplings": lambda: SPADEGenerator(CLADE, K, size=(128, 128), ngf=2, upsamplings=6),
    "dagan": lambda: spade(SPADE, DAGANGenerator),
    "oasis": lambda: oasis(partial(SPADE_Noise, noise=4), "picture"),
    "oasis by class": lambda: oasis(partial(SPADE_Noise, noise=4), "class"),
    "oasis by pixel": lambda: oasis(partial(SPADE_Noise, noise=4), "pixel"),
    "oasis, clade_noise": lambda: oasis(partial(CLADE_Noise, noise=4), "picture"),
    "sean": lambda: sean(ACE),
    "sean, ace_clade": lambda: sean(ACE_CLADE),
    "groupdnet": lambda: GroupDNetGenerator(Grouped(hidden=6), K, size=(64, 64), ngf=6, upsamplings=4),
    "groupdnet, clade": lambda: GroupDNetGenerator(CLADE, K, size=(64, 64), ngf=6, upsamplings=4),
    "inade": lambda: resized(INADEGenerator(partial(INADE, noise=4), K, size=(64, 64), ngf=2, start=6, noise=4,
                                            upsamplings=4)),
    "cc_fpse": cc_fpse,
    "cc_fpse edges": lambda: cc_fpse(edges=True),
    "cc_fpse, style vector": lambda: resized(cc_fpse(z_dim=4)),
    "style vector": lambda: resized(spade(SPADE, z_dim=4)),
}


def resized(network):
    network.resize_start()
    return network


def both(network, maps, tile=TILE):
    """A picture in one piece and in tiles, in the same style."""
    fast = lively(network).optimize_for_inference()
    style = fast.draw_style(len(maps), maps)
    with torch.inference_mode():
        return fast(fast.prepare(maps), style), fast.in_tiles(copy_of(maps), style, tile)


@pytest.mark.parametrize("name", GENERATORS)
def test_tiles_are_the_picture(name):
    torch.manual_seed(1)
    size = (192, 192) if name == "seven upsamplings" else SIZE
    expected, image = both(GENERATORS[name](), label_maps(2, size))
    assert expected.std() > 0.05
    assert (image - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("name", ["clade", "spade", "spade, kernels of 5", "dagan", "oasis", "sean", "groupdnet"])
def test_a_halo_one_pixel_short_leaves_seams(name, monkeypatch):
    torch.manual_seed(1)
    reach = tiled._Layers.reach.fget
    monkeypatch.setattr(tiled._Layers, "reach", property(lambda self: reach(self) - 1))
    expected, image = both(GENERATORS[name](), label_maps())
    assert (image - expected).abs().max() > 50 * TOLERANCE


def test_a_halo_one_pixel_short_leaves_seams_in_cc_fpse(monkeypatch):
    torch.manual_seed(1)
    monkeypatch.setattr(tiled_cc_fpse, "REACH", tiled_cc_fpse.REACH - 1)
    expected, image = both(cc_fpse(), label_maps())
    assert (image - expected).abs().max() > 50 * TOLERANCE


@pytest.mark.parametrize("name", ["spade", "spade edges", "oasis", "cc_fpse"])
def test_maps_whose_patches_do_not_repeat(name):
    """Where convolutions of the labels stand in for tables of patches."""
    torch.manual_seed(1)
    expected, image = both(GENERATORS[name](), label_maps(cells=SIZE))
    assert (image - expected).abs().max() < TOLERANCE


def test_soft_maps():
    torch.manual_seed(1)
    maps = Semantics.from_probabilities(torch.rand(1, K, *SIZE).softmax(1))
    expected, image = both(spade(SPADE), maps)
    assert (image - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("name", ["oasis", "sean", "style vector", "groupdnet",
                                  "cc_fpse, style vector"])
def test_many_styles_of_one_label_map(name):
    torch.manual_seed(1)
    fast, maps = lively(GENERATORS[name]()).optimize_for_inference(), label_maps()
    style = fast.draw_style(3, maps)
    with torch.inference_mode():
        expected, image = fast(fast.prepare(maps), style), fast.in_tiles(copy_of(maps), style, TILE)
    assert (image - expected).abs().max() < TOLERANCE
    assert len(image) == 3


@pytest.mark.parametrize("name", ["sean", "oasis by pixel"])
def test_noise_that_nobody_gave_is_one_noise_for_the_picture(name):
    torch.manual_seed(1)
    fast, maps = lively(GENERATORS[name]()).optimize_for_inference(), label_maps()
    torch.manual_seed(2)
    image = fast.in_tiles(copy_of(maps), None, TILE)
    torch.manual_seed(2)
    assert (image - fast(fast.prepare(maps), fast.draw_style(1, maps))).abs().max() < TOLERANCE


def test_low_precision_is_that_of_one_piece():
    torch.manual_seed(1)
    fast, maps = lively(spade(CLADE)).optimize_for_inference(dtype=torch.bfloat16), label_maps()
    assert (fast.in_tiles(copy_of(maps), None, TILE) - fast(fast.prepare(maps))).abs().max() < 1e-2


def test_progress_counts_the_tiles():
    counts = []

    def progress(items, title, total):
        counts.append((title, total, 0))
        for item in items:
            counts[-1] = (*counts[-1][:2], counts[-1][2] + 1)
            yield item

    for make in (lambda: spade(CLADE), lambda: spade(SPADE, DAGANGenerator)):
        lively(make()).in_tiles(label_maps(), None, TILE, progress)
    assert counts == [("tiles", 9, 9), ("averages", 9, 9), ("tiles", 9, 9)]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: spade(partial(CLADE, base=nn.InstanceNorm2d)), r"in tiles: its norms \(InstanceNorm2d\).*base=batch.*"),
    (lambda: Pix2PixHDGenerator(K, size=(64, 64), ngf=2, blocks=1), "in tiles: its instance norms"),
    (lambda: CRNGenerator(K, size=(64, 64), ngf=2), "in tiles: its layer norms"),
], ids=["instance", "pix2pixHD", "CRN"])
def test_whole_picture_statistics_are_refused(make, message):
    with pytest.raises(ValueError, match=f"{message}.*Without tile="):
        make().in_tiles(label_maps(), None, 64)


@pytest.mark.parametrize("tile", [32, 63.5, "big", [64], [64, 64, 64], True, [64, 32]])
def test_tiles_that_are_none(tile):
    with pytest.raises(ValueError, match=r"tile=.* must be the side of the tiles in pixels, or \[HEIGHT,WIDTH\]"):
        spade(CLADE).in_tiles(label_maps(), None, tile)
