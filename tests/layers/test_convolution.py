"""Convolutions with spectral norm whose weights outweigh their maps."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.layers import convolution
from semsynth.layers.convolution import ImageConv2d, convolve, padded_conv2d
from semsynth.layers.init import spectral_norm


@pytest.mark.parametrize("weights", [0, 2 ** 40], ids=["matrix product", "divided map"])
@pytest.mark.parametrize(("kernel", "bias", "batch"), [(3, True, 1), (3, True, 3), (1, False, 2)])
def test_values_gradients_and_iterations(kernel, bias, batch, weights, monkeypatch):
    monkeypatch.setattr(convolution, "WEIGHTS", weights)
    layer = spectral_norm(nn.Conv2d(24, 16, kernel, padding=kernel // 2, bias=bias)).double()
    other, x = copy.deepcopy(layer), torch.randn(batch, 24, 2, 3, dtype=torch.float64)
    found = []
    for function, module in ((lambda m, a: convolve(m, a), layer), (lambda m, a: m(a), other)):
        if module is layer:
            monkeypatch.setattr(module, "forward", None)  # convolve does without
        given = x.clone().requires_grad_()
        for _ in range(2):  # norms move on from call to call
            out = function(module, given)
        (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum().backward()
        found.append([out, given.grad, *(p.grad for p in module.parameters()), *module.buffers()])
    for a, b in zip(*found, strict=True):
        assert_close(a, b)


def test_gradcheck():
    u, v = torch.randn(4, dtype=torch.float64), torch.randn(18, dtype=torch.float64)
    x, weight = torch.randn(2, 2, 3, 4, dtype=torch.float64), torch.randn(4, 2, 3, 3, dtype=torch.float64)

    def function(x, weight):
        return convolution._SmallConvolution.apply(x, weight, u, v, [1, 1])

    assert torch.autograd.gradcheck(function, (x.requires_grad_(), weight.requires_grad_()))


def test_large_maps_evaluation_and_layers_without_a_norm_are_convolved_as_they_are(monkeypatch):
    monkeypatch.setattr(convolution, "_SmallConvolution", None)
    monkeypatch.setattr(convolution, "WEIGHTS", 0)
    large, small = torch.randn(1, 8, 40, 40), torch.randn(1, 8, 2, 2)
    layer = spectral_norm(nn.Conv2d(8, 8, 3, padding=1))
    convolve(layer, large)
    for unchanged in (layer.eval(), nn.Conv2d(8, 8, 3, padding=1)):
        assert_close(convolve(unchanged, small), unchanged(small), rtol=0, atol=0)


@pytest.mark.parametrize("bias", [True, False])
def test_outputs_that_are_padded_and_left_out_change_nothing(bias):
    layer = nn.Conv2d(6, 3, 3, padding=1, bias=bias).double()
    x = torch.randn(2, 6, 5, 4, dtype=torch.float64, requires_grad=True)
    found = []
    for function in (layer, lambda a: padded_conv2d(a, layer.weight, layer.bias, [1, 1])):
        out = function(x)
        inputs = [x, *layer.parameters()]
        found.append([out, *torch.autograd.grad(out.sin().sum(), inputs)])
    assert_close(found[1], found[0])


def test_on_the_cpu_an_image_is_convolved_as_ever():
    ours, x = ImageConv2d(6, 3, 3, padding=1), torch.randn(2, 6, 5, 4)
    theirs = nn.Conv2d(6, 3, 3, padding=1)
    theirs.load_state_dict(ours.state_dict())
    assert torch.equal(ours(x), theirs(x))
