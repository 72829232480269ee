"""What a block keeps for the backward pass, and that computing the rest again changes nothing."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from semsynth.generators.blocks import ResBlock
from semsynth.layers.init import spectral_norm, weight_and_norm
from semsynth.modulation import autograd
from semsynth.modulation.modulation import Modulation
from semsynth.norms import base
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K, SIDE = 4, 24
NORMS = [CLADE, CLADE_ICPE, CLADE_DISTF, partial(SPADE, hidden=6), partial(CLADE, edges=True),
         partial(SPADE, edges=True)]


@pytest.fixture(autouse=True)
def fused_at_any_size(monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)


def label_maps():
    labels = F.interpolate(torch.randint(0, K, (2, 1, 3, 3)).float(), (SIDE, SIDE)).long()[:, 0]
    edges = (torch.arange(SIDE) % 8 == 0).double().expand(2, 1, SIDE, SIDE).clone()
    maps = Semantics(labels, K, edges, torch.rand(2, 2, SIDE, SIDE).double())
    return maps.prepare([Reading(SIDE, SIDE, {"classes", "patches", "patches with edges"})])


def run(block, x, maps):
    """Output and the gradients of x and of all parameters, for a loss that weighs every position."""
    x = x.clone().requires_grad_()
    out = block(x, maps)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum().backward()
    return {"out": out.detach(), "x": x.grad, **{name: p.grad for name, p in block.named_parameters()},
            **{name: b.clone() for name, b in block.named_buffers()}}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("channels", [(6, 6), (6, 4)])
@pytest.mark.parametrize("norm", NORMS)
def test_a_block_that_keeps_little_equals_the_plain_one(norm, channels, training, monkeypatch):
    """Values, gradients, running statistics and power iterations, with the spectral norm in the tables."""
    block = ResBlock(*channels, lambda c: norm(c, K)).double().train(training)
    for p in block.parameters():
        nn.init.normal_(p, std=0.5)
    x = torch.randn(2, 6, SIDE, SIDE, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    maps, plain = label_maps(), copy.deepcopy(block)
    calls = []
    apply = autograd._ModulateConvolve.apply
    monkeypatch.setattr(autograd._ModulateConvolve, "apply", lambda *a: calls.append(1) or apply(*a))
    found = run(block, x, maps)
    assert len(calls) == (2 if channels[0] == channels[1] else 3)
    with plain_formula():
        expected = run(plain, x, maps)
    assert len(calls) == (2 if channels[0] == channels[1] else 3)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(found[name], value, rtol=1e-8, atol=1e-9, msg=lambda m: f"{name}: {m}")  # noqa: B023


def test_gradcheck_of_the_fused_convolution():
    maps = label_maps()
    norm = CLADE_ICPE(3, K).double()
    weight, bias = torch.randn(2, 3, 3, 3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)
    lookup = maps.by_class()

    def f(x, gamma, beta, scales, weight, bias):
        tables = Modulation(gamma, beta, lookup, scales)
        return autograd.modulate_convolve(x, tables, autograd.Setting(norm.base), weight, bias, [1, 1])

    pixels = maps.labels.numel()
    x = torch.randn(2, 3, SIDE, SIDE, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    inputs = [x, torch.rand(K, 3, dtype=torch.float64), torch.randn(K, 3, dtype=torch.float64),
              torch.rand(pixels, 2, dtype=torch.float64), weight, bias]
    assert torch.autograd.gradcheck(f, [i.requires_grad_() for i in inputs], fast_mode=True)


def test_nothing_between_norm_and_convolution_is_kept():
    """Of activations only the inputs of the two norms; no normalised weight."""
    block = ResBlock(64, 64, lambda c: CLADE(c, K))
    maps = label_maps()
    x = torch.randn(2, 64, SIDE, SIDE).contiguous(memory_format=torch.channels_last).requires_grad_()
    own = {p.untyped_storage().data_ptr() for p in block.parameters()}
    kept = {}

    def keep(t):
        if t.untyped_storage().data_ptr() not in own:
            kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        block(x, maps)
    assert sum(size >= x.numel() * 4 for size in kept.values()) == 2


def test_the_spectral_norm_apart_is_the_same():
    layer = spectral_norm(nn.Conv2d(3, 4, 3))
    other = copy.deepcopy(layer)
    weight, sigma = weight_and_norm(layer)
    assert sigma > 0
    assert_close(weight / sigma, other.weight)
    for name, buffer in layer.named_buffers():
        assert_close(buffer, dict(other.named_buffers())[name])
    plain = nn.Conv2d(3, 4, 3)
    assert weight_and_norm(plain) == (plain.weight, None)
    with torch.nn.utils.parametrize.cached():
        assert weight_and_norm(layer)[1] is None
    assert weight_and_norm(layer.eval())[1] is None
