"""The counts of SEAN and SEAN-CLADE are the published ones (arXiv:2012.04644, Table VIII)."""

from functools import partial

import pytest
import torch

from semsynth.complexity import counting
from semsynth.complexity.layers import network_work, walk
from semsynth.complexity.maps import empty_semantics
from semsynth.complexity.published import costs
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.schedule import Mixed

NORMS = {"sean": ACE, "sean_clade": ACE_CLADE}
SETTINGS = {"celebamask_hq": (19, (256, 256)), "deepfashion": (8, (256, 256)), "cityscapes": (35, (256, 512))}
# parameters with all banks, and those of the banks
PARAMETERS = {
    ("sean", "celebamask_hq"): (266_907_367, 0), ("sean", "deepfashion"): (223_239_655, 0),
    ("sean", "cityscapes"): (330_424_039, 0), ("sean_clade", "celebamask_hq"): (241_690_087, 415_872),
    ("sean_clade", "deepfashion"): (198_009_703, 175_104), ("sean_clade", "cityscapes"): (305_225_191, 766_080)}
# 1e9 multiply-accumulates and additions of biases; the published 420.8 of SEAN on CelebAMask-HQ is an outlier
GIGA = {("sean", "celebamask_hq"): 346.26, ("sean", "deepfashion"): 342.88, ("sean", "cityscapes"): 681.73,
        ("sean_clade", "celebamask_hq"): 247.09, ("sean_clade", "deepfashion"): 247.04,
        ("sean_clade", "cityscapes"): 476.03}


@pytest.mark.parametrize(("method", "dataset"), PARAMETERS)
def test_parameters_and_operations(method, dataset):
    classes, size = SETTINGS[dataset]
    with torch.device("meta"):
        norm = NORMS[method]
        generator = SEANGenerator(Mixed(norm, partial(norm, styled=False), 6), classes, size=size)
        encoder = RegionStyleEncoder()
        layers = walk(generator, empty_semantics(size, classes))
        of_encoder = sum(network_work(encoder, torch.empty(1, 3, *size)))
    total, banks = PARAMETERS[method, dataset]
    found = counting.parameters(layers)["total"] + sum(p.numel() for p in encoder.parameters())
    assert found == total
    assert sum(p.numel() for name, p in generator.named_parameters() if p.ndim == 2 and ".labels." in name) == banks
    published = costs(dataset, method)
    assert (found - banks) / 1e6 == pytest.approx(published["parameters"], abs=0.06)
    giga = (counting.macs_bias(layers)["total"] + of_encoder) / 1e9
    assert giga == pytest.approx(GIGA[method, dataset], abs=0.006)
    if (method, dataset) != ("sean", "celebamask_hq"):
        assert giga == pytest.approx(published["flops"], abs=0.1)


def test_the_discriminator():
    with torch.device("meta"):
        network = MultiscaleDiscriminator(19, num_layers=3, last_stride=2)
    assert sum(p.numel() for p in network.parameters()) == 1_364_098
    assert [layer[0].stride for layer in network.scales[0].layers[:3]] == [(2, 2)] * 3
