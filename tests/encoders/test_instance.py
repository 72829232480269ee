"""The encoder of INADE against loops over instances, and its published size."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.encoders.instance import InstanceConv2d, InstanceEncoder
from semsynth.semantics import Semantics


@pytest.mark.parametrize(("noise", "parameters"), [(64, 3_689_856), (8, 3_560_608)])
def test_published_counts(noise, parameters):
    with torch.device("meta"):
        encoder = InstanceEncoder(noise)
    assert sum(p.numel() for p in encoder.parameters()) == parameters
    assert len(encoder.state_dict()) == 24


@pytest.mark.parametrize("stride", [1, 2])
def test_a_kernel_sees_its_instance_alone(stride):
    """Equal to convolving each instance by itself and keeping its own pixels."""
    layer = InstanceConv2d(3, 4, stride).double()
    x, ids = torch.randn(2, 3, 8, 12).double(), torch.randint(0, 3, (2, 8, 12))
    expected = torch.zeros(2, 4, 8 // stride, 12 // stride).double()
    for k in range(3):
        own = F.conv2d(x * (ids == k)[:, None], layer.weight, layer.bias, stride=stride, padding=1)
        expected = torch.where((ids == k)[:, None, ::stride, ::stride], own, expected)
    assert_close(layer(x, ids), expected)
    one = torch.zeros_like(ids)
    assert_close(layer(x, one), F.conv2d(x, layer.weight, layer.bias, stride=stride, padding=1))


def test_codes_of_instances():
    encoder = InstanceEncoder(3, nef=2).eval()
    labels = torch.zeros(2, 32, 48, dtype=torch.int64)
    labels[0, :16] = 1
    instances = torch.zeros_like(labels)
    instances[0, :, 20:] = 7
    images = torch.randn(2, 3, 32, 48)
    semantics = Semantics(labels, 2, instances=instances)
    style = encoder.encode(images, semantics)
    maps, regions = encoder(images, semantics.regions()), semantics.regions()
    assert style.instances.shape == (2, 4, 6)
    inside = regions.index[0] == 3
    assert_close(style.instances[0, 3], maps[0, :6, inside].mean(1))
    assert_close(style.posterior.log_variance[0, 3], maps[0, 6:, inside].mean(1))
    # what is not there: N(0, 1)
    assert not style.instances[1, 1:].any()
    assert not style.posterior.log_variance[1, 1:].any()
    assert style.posterior.of == "instances"
    assert style.sampled().instances[1, 1:].std() > 0.3


def test_refusals():
    encoder = InstanceEncoder(3, nef=2)
    with pytest.raises(ValueError, match="label map of the picture"):
        encoder.encode(torch.randn(1, 3, 32, 32))
    for image, labels in (((32, 32), (16, 16)), ((24, 32), (24, 32))):
        with pytest.raises(ValueError, match="multiples of 16"):
            encoder.encode(torch.randn(1, 3, *image), Semantics(torch.zeros(1, *labels).long(), 2))
