"""The networks of this project fulfil the contracts that new ones are held to."""

import pytest

from semsynth import interfaces
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.style import StyleEncoder
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE


@pytest.mark.parametrize(("contract", "make"), [
    (interfaces.Generator, lambda: SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2)),
    (interfaces.StyleEncoder, lambda: StyleEncoder((32, 32), nef=2, z_dim=4)),
    (interfaces.Discriminator, lambda: MultiscaleDiscriminator(3, ndf=2)),
], ids=["generator", "encoder", "discriminator"])
def test_networks(contract, make):
    assert isinstance(make(), contract)


def test_a_drawn_image_has_the_channels_that_are_promised():
    network = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2, out_channels=1, z_dim=4)
    assert (network.out_channels, network.conv_img.out_channels, network.styled) == (1, 1, True)
    assert not SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2).styled
