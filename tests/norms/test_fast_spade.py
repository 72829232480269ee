"""SPADE by tables of distinct patches against the plain formula."""

import copy

import pytest
import torch
import torch.nn.functional as F
from alike import normed_alike
from torch import nn

from semsynth.norms import base as base_module
from semsynth.norms.base import plain_formula
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K = 5
NEEDS = {"patches", "patches with edges"}


def maps(kind, n=2, h=16, w=12, dtype=torch.float64):
    coarse = F.interpolate(torch.randint(0, K, (n, 1, 3, 2)).float(), (h, w)).long()[:, 0]
    checkers = ((torch.arange(h)[:, None] + torch.arange(w)) % 2).expand(n, h, w).contiguous()
    labels = {"real": coarse, "single": torch.full((n, h, w), 3), "checkers": checkers}[kind]
    edges = torch.zeros(n, 1, h, w, dtype=dtype)
    edges[..., 1:, :] = (labels[:, None, 1:] != labels[:, None, :-1]).to(dtype)
    return Semantics(labels, K, edges).prepare([Reading(h, w, NEEDS)])


def randomised(norm):
    for p in norm.parameters():
        nn.init.normal_(p, std=0.3)
    return norm


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("slope", [1.0, 0.2])
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("kind", ["real", "single", "checkers"])
def test_equals_the_plain_formula(kind, edges, slope, fused, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1 if fused else 2 ** 40)
    norm = randomised(SPADE(3, K, edges=edges, hidden=7)).double()
    plain, sem = copy.deepcopy(norm), maps(kind)
    assert sem.patches(edges=edges) is not None
    x = torch.randn(2, 3, 16, 12).double().to(memory_format=torch.channels_last).requires_grad_()
    normed_alike(norm, plain, x, sem, slope, monkeypatch)


def test_gradients(monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    norm, sem = randomised(SPADE(2, K, edges=True, hidden=2)).double(), maps("real", n=1, h=8, w=6)
    x = torch.randn(1, 2, 8, 6).double().to(memory_format=torch.channels_last).requires_grad_()
    names, values = zip(*norm.named_parameters(), strict=True)

    def function(x, *values):
        return torch.func.functional_call(norm, dict(zip(names, values, strict=True)), (x, sem))

    assert torch.autograd.gradcheck(function, (x, *values), fast_mode=True)


@pytest.mark.parametrize("edges", [False, True])
def test_float32_is_exact_to_rounding(edges, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    norm, sem = randomised(SPADE(8, K, edges=edges)), maps("real", h=48, w=32, dtype=torch.float32)
    x = torch.randn(2, 8, 48, 32).to(memory_format=torch.channels_last) * 3 + 5
    with plain_formula():
        expected = F.leaky_relu(copy.deepcopy(norm).double()(x.double(), sem), 0.2)
    error = (norm(x, sem, slope=0.2) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_other_kernels_soft_maps_and_unprepared_maps_are_convolved(monkeypatch):
    monkeypatch.setattr("semsynth.norms.label_network.sum_of_rows", None)
    x, sem = torch.randn(2, 3, 16, 12), maps("real", dtype=torch.float32)
    SPADE(3, K, hidden=4, kernel_size=5)(x, sem)
    SPADE(3, K, hidden=4)(x, Semantics(sem.labels, K))
    soft = Semantics.from_probabilities(torch.rand(2, K, 16, 12).softmax(1)).prepare([Reading(16, 12, NEEDS)])
    SPADE(3, K, hidden=4)(x, soft)


def test_edges_between_zero_and_one_are_convolved():
    sem = Semantics(torch.zeros(1, 8, 8).long(), K, torch.full((1, 1, 8, 8), 0.5)).prepare([Reading(8, 8, NEEDS)])
    assert sem.patches(edges=True) is None
    assert sem.patches(edges=False) is not None


def test_patches_travel():
    sem = maps("real").to("meta")
    assert sem.patches(edges=True).near_back.pieces.order.device.type == "meta"
