"""More styles than label maps, in every network as it is trained."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.drawing import draw
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.inade import INADE
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style

K, SIZE = 3, (64, 64)
NETWORKS = {
    "spade": partial(SPADEGenerator, SPADE, ngf=2, z_dim=4, init_gain=1.0),
    "clade": partial(SPADEGenerator, CLADE, ngf=2, z_dim=4, init_gain=1.0),
    "oasis": partial(OASISGenerator, SPADE_Noise, ngf=2, init_gain=1.0),
    "oasis of classes": partial(OASISGenerator, CLADE_Noise, ngf=2, noise_per="class", init_gain=1.0),
    "oasis of pixels": partial(OASISGenerator, CLADE, ngf=2, noise_per="pixel", init_gain=1.0),
    "inade": partial(INADEGenerator, INADE, ngf=2, init_gain=1.0),
    "groupdnet": partial(GroupDNetGenerator, CLADE, ngf=3, init_gain=1.0),
    "crn": partial(CRNGenerator, ngf=2, pictures=32),
    "cc_fpse": partial(CCFPSEGenerator, ngf=2, z_dim=4, init_gain=1.0),
    "pix2pixhd": partial(Pix2PixHDGenerator, ngf=4, blocks=1, features=3, init_deviation=0.2),
    "pix2pixhd_local": partial(Pix2PixHDLocalGenerator, ngf=4, blocks=1, features=3, init_deviation=0.2),
}


def maps(count):
    torch.manual_seed(0)
    labels = torch.randint(K, (count, 4, 4)).repeat_interleave(16, 1).repeat_interleave(16, 2)
    things = torch.arange(64).expand(count, 64, 64) // 32
    return Semantics(labels, K, instances=things)


def drawn_style(network, count, semantics):
    style = network.draw_style(count, semantics)
    return style.map(torch.randn_like)  # clusters are zeros before they are fitted


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_label_maps_are_drawn_in_more_styles_than_there_are_maps(name, count):
    """The styles of t * N pictures go to N label maps, again and again."""
    network = NETWORKS[name](K, size=SIZE).eval()
    semantics = maps(count)
    style = drawn_style(network, 2 * count, semantics.repeat(2))
    with torch.no_grad():
        images = draw(network, semantics, style)
        for k in range(2):
            own = slice(k * count, (k + 1) * count)
            assert_close(images[own], draw(network, semantics, style[own]), atol=1e-4, rtol=0)
        assert (images[:count] - images[count:]).abs().mean() > 1e-3
        with pytest.raises(ValueError, match="3 styles for 2 label maps: each map needs as many"):
            draw(network, maps(2), Style(**{key: code[:1].expand(3, *code.shape[1:])
                                            for key, code in style.codes().items()}))
