"""Initialisation and spectral norm."""

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm as released_spectral_norm
from torch.testing import assert_close

from semsynth.layers.init import initialise, spectral_norm


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
    initialise(layer)
    start = layer.parametrizations.weight[0]._u
    largest = torch.linalg.svd(layer.parametrizations.weight.original).U[:, 0]
    assert abs(start @ largest) < 0.5
    assert start.norm() == pytest.approx(1, abs=1e-5)


def test_an_untrained_network_can_be_drawn_from():
    """With u and v at random, sigma would be near zero and the weights enormous; sigma is never negative."""
    for seed in range(20):
        torch.manual_seed(seed)
        layer = spectral_norm(nn.Conv2d(16, 32, 3)).eval()
        initialise(layer)
        assert 0.2 < torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 4
