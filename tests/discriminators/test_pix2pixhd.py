import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.discriminators.pix2pixhd import Pix2PixHDDiscriminator
from semsynth.semantics import Semantics


@pytest.mark.parametrize(("scales", "parameters"), [(2, 5_603_202), (3, 8_404_803)])
def test_published_parameters(scales, parameters):
    with torch.device("meta"):
        network = Pix2PixHDDiscriminator(35, edges=True, num_scales=scales)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == 10 * scales


def test_the_last_of_the_weights_sees_the_full_size():
    torch.manual_seed(0)
    network = Pix2PixHDDiscriminator(3, edges=True, ndf=2, num_scales=2)
    semantics = Semantics(torch.randint(3, (1, 32, 32)), 3, torch.rand(1, 1, 32, 32).round())
    images = torch.randn(2, 3, 32, 32)
    x = torch.cat([semantics.one_hot(edges=True).expand(2, -1, -1, -1), images], 1)
    for maps, scale in zip(network(semantics, images), (1, 0), strict=True):
        y = x
        for k, layer in enumerate(network.scales[scale].layers):
            y = F.conv2d(y, layer.weight, layer.bias, stride=2 if k < 3 else 1, padding=2)
            if 0 < k < 4:
                y = (y - y.mean((2, 3), keepdim=True)) / (y.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
            y = F.leaky_relu(y, 0.2) if k < 4 else y
            assert_close(maps[k], y, atol=1e-5, rtol=1e-4)
        assert len(maps) == 5
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
