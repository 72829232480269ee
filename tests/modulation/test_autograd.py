"""The fused norm, modulation and activation against the plain formula."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from semsynth.norms import base as base_module
from semsynth.norms.base import arranged, fast_path, plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.semantics import Reading, Semantics

K = 5
NORMS = [CLADE, CLADE_ICPE, CLADE_DISTF]


@pytest.fixture(autouse=True)
def _every_size(monkeypatch):
    """Fuse tiny maps too, and cut them into several chunks."""
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    monkeypatch.setattr("semsynth.modulation.table.CHUNK", 64)


def maps(kind, n=2, h=6, w=9):
    checkers = (torch.arange(h)[:, None] + torch.arange(w)) % 2
    labels = {"random": torch.randint(0, K, (n, h, w)), "single": torch.full((n, h, w), 3),
              "checkers": checkers.expand(n, h, w).contiguous()}[kind]
    return Semantics(labels, K, torch.rand(n, 1, h, w).round().double(), torch.rand(n, 2, h, w).double() * 2 - 1)


def randomised(norm):
    for p in norm.parameters():
        nn.init.normal_(p)
    return norm


def channels_last(*shape, **kwargs):
    return torch.randn(*shape, **kwargs).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("slope", [1.0, 0.2])
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("kind", ["random", "single", "checkers"])
@pytest.mark.parametrize("cls", NORMS)
def test_equals_the_plain_formula(cls, kind, edges, slope, training):
    norm = randomised(cls(3, K, edges=edges)).double().train(training)
    norm.base.running_var.uniform_(0.5, 2)
    plain, sem = copy.deepcopy(norm), maps(kind)
    x = channels_last(2, 3, 6, 9).double().requires_grad_()
    assert fast_path(x, norm.gamma, norm.base)
    out = norm(x, sem, slope=slope)
    with plain_formula():
        expected = F.leaky_relu(plain(x, sem), slope)
    assert_close(out, expected)
    assert out.is_contiguous(memory_format=torch.channels_last)
    weights = torch.randn_like(expected)
    grads = torch.autograd.grad((out * weights).sum(), (x, *norm.parameters()))
    plain_grads = torch.autograd.grad((expected * weights).sum(), (x, *plain.parameters()))
    for grad, plain_grad in zip(grads, plain_grads, strict=True):
        assert_close(grad, plain_grad)
    for name, value in norm.base.named_buffers():
        assert_close(value, plain.base.get_buffer(name))


@pytest.mark.parametrize("cls", NORMS)
def test_gradients(cls):
    norm = randomised(cls(2, K, edges=True)).double()
    sem, x = maps("random", h=3, w=4), channels_last(2, 2, 3, 4).double().requires_grad_()
    names, values = zip(*norm.named_parameters(), strict=True)

    def function(x, *values):
        return torch.func.functional_call(norm, dict(zip(names, values, strict=True)), (x, sem))

    assert torch.autograd.gradcheck(function, (x, *values))


@pytest.mark.parametrize("cls", NORMS)
def test_float32_is_exact_to_rounding(cls):
    norm = randomised(cls(8, K, edges=True))
    sem, x = maps("random", h=32, w=48), channels_last(2, 8, 32, 48) * 3 + 5
    reference = copy.deepcopy(norm).double()
    with plain_formula():
        expected = F.leaky_relu(reference(x.double(), sem), 0.2)
    error = (norm(x, sem, slope=0.2) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_momentum_none_averages_all_batches():
    norm = CLADE(3, K)
    norm.base.momentum = None
    plain, sem = copy.deepcopy(norm), maps("random")
    for _ in range(3):
        x = channels_last(2, 3, 6, 9)
        norm(x, sem)
        with plain_formula():
            plain(x, sem)
    assert_close(norm.base.running_var, plain.base.running_var)
    assert norm.base.num_batches_tracked == 3


def test_keeps_its_input_and_output_only():
    norm, sem = CLADE(64, K), maps("random", h=32, w=32).prepare([Reading(32, 32, {"classes"})])
    x = channels_last(2, 64, 32, 32, requires_grad=True)
    kept = {}

    def keep(t):
        kept[t.untyped_storage().data_ptr()] = t
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        out = norm(x, sem, slope=0.2)
    large = {pointer for pointer, t in kept.items() if t.numel() >= x.numel()}
    assert large == {x.untyped_storage().data_ptr(), out.untyped_storage().data_ptr()}


@pytest.mark.parametrize("other", ["soft", "low", "instance", "contiguous", "small"])
def test_other_cases_take_the_plain_path(other, monkeypatch):
    norm, sem, x = CLADE(3, K), maps("random"), channels_last(2, 3, 6, 9)
    if other == "soft":
        sem = Semantics.from_probabilities(torch.rand(2, K, 6, 9).softmax(1))
    elif other == "low":
        norm, x = norm.bfloat16(), x.bfloat16()
    elif other == "instance":
        norm = CLADE(3, K, nn.InstanceNorm2d)
    elif other == "contiguous":
        x = x.contiguous()
    else:
        monkeypatch.setattr(base_module, "FUSED_ELEMENTS", x.numel() + 1)
    monkeypatch.setattr("semsynth.norms.base.modulate", None)
    assert norm(x, sem, slope=0.2).shape == x.shape


def test_memory_format_follows_the_size(monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 64)
    assert arranged(torch.zeros(1, 4, 8, 8)).is_contiguous(memory_format=torch.channels_last)
    assert arranged(channels_last(1, 32, 2, 2)).is_contiguous()


def test_prepared_classes_travel():
    sem = maps("random", h=8, w=8).prepare([Reading(4, 4, {"classes"}), (2, 2)])
    assert sem.at(2, 2)._classes is None
    assert sem.to("meta").at(4, 4)._classes.pieces.order.device.type == "meta"
    assert sem.at(4, 4).by_class() is sem.at(4, 4).by_class()


@pytest.mark.parametrize("cls", NORMS)
def test_averages_that_move_before_the_backward_pass_change_no_gradient(cls):
    """In evaluation mode they are what features are normalised with: those of the forward pass."""
    norm, sem = randomised(cls(3, K)).double().eval(), maps("random")
    norm.base.running_mean.normal_()
    x, found = channels_last(2, 3, 6, 9).double().requires_grad_(), []
    for moves in (False, True):
        loss = norm(x, sem).square().sum()
        if moves:
            norm.base.running_mean.add_(1.0)
            norm.base.running_var.mul_(4.0)
        found.append(torch.autograd.grad(loss, (x, *norm.parameters())))
    assert_close(found[1], found[0])
