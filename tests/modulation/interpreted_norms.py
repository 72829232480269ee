"""Norms, blocks and generators by kernels in Triton's interpreter. Run by test_kernels.py, in a process of its own."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from interpreting import error
from torch import nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from semsynth.generators.blocks import ResBlock
from semsynth.generators.spade import SPADEGenerator
from semsynth.modulation.kernels import backward, forward, statistics
from semsynth.norms import base
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K = 5


def maps(n=2, h=8, w=6):
    """Two stripes each, so that patches repeat and the interpreter has few pieces to walk over."""
    labels = (torch.arange(w) > w // 2).long().expand(n, h, w).contiguous() + torch.randint(0, K - 1, (n, 1, 1))
    edges = (labels[:, None] != labels[:, None].roll(1, 2)).float()
    return Semantics(labels, K, edges, torch.rand(n, 2, h, w) * 2 - 1)


NORMS = [partial(CLADE, edges=True), CLADE_ICPE, CLADE_DISTF, partial(SPADE, hidden=7, edges=True)]


def calls(monkeypatch, module, name):
    """Counts those of a function that launches kernels."""
    made, run = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *a: made.append(name) or run(*a))
    return made


def exact_twin(module):
    for p in module.parameters():
        nn.init.normal_(p, std=0.5)
    return copy.deepcopy(module).double()


def close(module, exact, x, x_exact):
    """Gradients of everything, which differ from the exact ones by rounding, and running averages."""
    scale = max(p.grad.abs().max() for p in exact.parameters())
    for (name, p), true in zip([("x", x), *module.named_parameters()], [x_exact, *exact.parameters()], strict=True):
        assert (p.grad - true.grad).abs().max() < 2e-5 * scale, name
    for name, value in module.named_buffers():
        assert_close(value, exact.get_buffer(name).to(value.dtype), rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize(("norm", "momentum"), [*((norm, 0.1) for norm in NORMS), (CLADE, None)])
def test_norms_in_training(norm, momentum, monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 1)
    norm = norm(6, K)
    norm.base.momentum = momentum
    exact, sem = exact_twin(norm), maps().prepare([Reading(8, 6, {"classes", "patches with edges"})])
    x = torch.randn(2, 6, 8, 6).to(memory_format=torch.channels_last).requires_grad_()
    x_exact = x.detach().double().requires_grad_()
    made = [calls(monkeypatch, *which) for which in ((forward, "modulated_rows"), (backward, "table_gradients"),
                                                     (backward, "input_gradient"), (statistics, "moments"))]
    for step in range(2):
        out = norm(x, sem, slope=0.2)
        with plain_formula():
            expected = F.leaky_relu(exact(x_exact, sem), 0.2)
        assert error(out, expected) < 1e-5
        if not step:
            weights = torch.randn_like(out)
            (out * weights).sum().backward()
            (expected * weights).sum().backward()
    assert [len(m) for m in made] == [2, 1, 1, 2]
    close(norm, exact, x, x_exact)


def test_a_block_in_training(monkeypatch):
    """What the convolutions read is computed again in the backward pass."""
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 1)
    made = calls(monkeypatch, forward, "modulated_rows")
    block = ResBlock(6, 4, lambda c: CLADE(c, K, edges=True))
    exact, sem = exact_twin(block), maps().prepare([Reading(8, 6, {"classes"})])
    x = torch.randn(2, 6, 8, 6).to(memory_format=torch.channels_last).requires_grad_()
    x_exact = x.detach().double().requires_grad_()
    out, weights = block(x, sem), torch.randn(2, 4, 8, 6)
    with plain_formula():
        expected = exact(x_exact, sem)
    assert error(out, expected) < 1e-5
    (out * weights).sum().backward()
    (expected * weights).sum().backward()
    assert len(made) == 6
    close(block, exact, x, x_exact)


class Operations(TorchDispatchMode):
    """Names of torch's operations that compute something."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if not (function.is_view or "empty" in function.name() or "detach" in function.name()):
            self.names.append(function.name())
        return function(*args, **kwargs or {})


class Launches:
    """In a kernel's place: writes down that it was launched."""

    def __init__(self, name, launched):
        self.name, self.launched = name, launched

    def __getitem__(self, grid):
        return lambda *_, **__: self.launched.append(self.name)


def test_a_norm_is_seven_launches(monkeypatch):
    """Statistics, modulation, sums by row, gradient of x; of torch's own operations only the count of batches."""
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 1)
    launched = []
    kernels = [(forward, "modulate"), (backward, "product_sums"), (backward, "table_gradients"),
               (backward, "through_statistics"), (backward, "input_gradient"), (statistics, "part_moments"),
               (statistics, "moments")]
    for module, name in kernels:
        monkeypatch.setattr(module, f"{name}_kernel", Launches(name, launched))
    norm, sem = CLADE(6, K), maps().prepare([Reading(8, 6, {"classes"})])
    x = torch.randn(2, 6, 8, 6).to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.ones_like(x)
    with Operations() as operations:
        norm(x, sem, slope=0.2).backward(weights)
    assert sorted(launched) == sorted(name for _, name in kernels)
    assert operations.names == ["aten::add_.Tensor"]


@pytest.mark.parametrize("norm", NORMS)
def test_drawing(norm, monkeypatch):
    network = SPADEGenerator(norm, K, size=(32, 32), ngf=2, init_gain=1.0)
    for name, p in network.named_parameters():
        if "fc" not in name:
            nn.init.normal_(p, std=0.3)
    sem = network.prepare(maps(2, 32, 32))
    with torch.no_grad():
        network(sem)
        network.eval()
        with plain_formula():
            expected = network.double()(sem)
    made = calls(monkeypatch, forward, "modulated_rows")
    drawn = network.float().optimize_for_inference()(sem)
    assert len(made) == 7 * 2 + 4
    assert error(drawn, expected) < 1e-4
