"""Initialisation and spectral norm."""

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm as released_spectral_norm
from torch.testing import assert_close

from semsynth.layers.init import ZeroConv2d, initialise, singular_vectors, spectral_norm


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`|.*spectral_norm.*:FutureWarning")
def test_training_takes_the_way_of_the_released_networks_from_its_first_iteration_on():
    """They use torch's older spectral norm: v first, then u, and no iteration before training."""
    torch.manual_seed(0)
    ours, theirs = (make(nn.Conv2d(5, 7, 3)).double() for make in (spectral_norm, released_spectral_norm))
    for layer in (ours, theirs):
        torch.manual_seed(1)
        initialise(layer, gain=1.0)
    with torch.no_grad():
        weights = ours.parametrizations.weight.original
        theirs.weight_orig.copy_(weights)
        theirs.bias.copy_(ours.bias)
        theirs.weight_u.copy_(ours.parametrizations.weight[0]._u)
    optimizers = [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (ours, theirs)]
    for _ in range(3):
        x = torch.randn(2, 5, 6, 6, dtype=torch.float64)
        for layer, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            layer(x).square().mean().backward()
            optimizer.step()
        assert_close(weights.grad, theirs.weight_orig.grad, rtol=1e-12, atol=1e-12)
    for layer in (ours, theirs):
        layer.eval()
    assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


def test_u_is_not_iterated_before_training():
    """An iterated u would be the singular vector, and the first sigmas too large."""
    torch.manual_seed(0)
    layer = spectral_norm(nn.Linear(64, 64))
    norm, made = layer.parametrizations.weight[0], layer.parametrizations.weight[0]._u.clone()
    initialise(layer)
    start, weight = norm._u, layer.parametrizations.weight.original
    assert torch.equal(start, made)
    assert_close(norm._v, weight.T @ start / (weight.T @ start).norm())  # which belongs to the new weight
    largest = torch.linalg.svd(weight).U[:, 0]
    assert abs(start @ largest) < 0.5
    assert start.norm() == pytest.approx(1, abs=1e-5)


def test_an_untrained_network_can_be_drawn_from():
    """With u and v at random, sigma would be near zero and the weights enormous; sigma is never negative."""
    for seed in range(20):
        torch.manual_seed(seed)
        layer = spectral_norm(nn.Conv2d(16, 32, 3)).eval()
        initialise(layer)
        assert 0.2 < torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 4


@pytest.mark.parametrize(("dtype", "given"), [(None, True), (torch.bfloat16, True), (torch.float16, False)])
def test_weights_are_divided_by_their_norm_before_they_leave_the_range_of_float16(dtype, given):
    layer = spectral_norm(nn.Linear(4, 4))
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        assert (singular_vectors(layer) is not None) == given


def test_weights_start_as_published():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(100, 80, 3), nn.ConvTranspose2d(50, 60, 3), nn.Linear(200, 300))
    norms = nn.Sequential(nn.BatchNorm2d(10000), nn.BatchNorm2d(3, affine=False), ZeroConv2d(3, 3, 1))
    initialise(network, 0.5)
    initialise(norms)
    for layer, fans in zip(network, ((100 + 80) * 9, (50 + 60) * 9, 200 + 300), strict=True):
        assert_close(layer.weight.std(), torch.tensor(0.5 * (2 / fans) ** 0.5), rtol=0.02, atol=0)
        assert abs(layer.weight.mean()) < 0.001
        assert not layer.bias.any()
    assert_close(norms[0].weight.mean(), torch.tensor(1.0), rtol=0, atol=0.001)
    assert_close(norms[0].weight.std(), torch.tensor(0.02), rtol=0.05, atol=0)
    assert not norms[0].bias.any()
    assert not norms[2].weight.any()
