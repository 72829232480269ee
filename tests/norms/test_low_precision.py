"""Norms under autocast: features in bfloat16, tables and statistics in float32."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from semsynth.generators.blocks import ResBlock
from semsynth.generators.spade import SPADEGenerator
from semsynth.layers.init import singular_vectors, spectral_norm
from semsynth.modulation import autograd
from semsynth.norms import base
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style

K, SIDE = 4, 24
NORMS = [CLADE, CLADE_ICPE, CLADE_DISTF, SPADE, partial(CLADE, edges=True), partial(SPADE, edges=True)]


@pytest.fixture(autouse=True)
def _every_size(monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)


def label_maps(n=2, side=SIDE):
    labels = F.interpolate(torch.randint(0, K, (n, 1, 3, 3)).float(), (side, side)).long()[:, 0]
    edges = (torch.arange(side) % 8 == 0).float().expand(n, 1, side, side).clone()
    return Semantics(labels, K, edges, torch.rand(n, 2, side, side) * 2 - 1)


def run(block, x, maps, dtype):
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        out = block(x, maps)
    weights = torch.linspace(-1, 1, out.numel()).view_as(out)
    (out.double() * weights).sum().backward()
    return out, {"out": out.detach().double(), "x": x.grad.double(),
                 **{name: p.grad.double() for name, p in block.named_parameters()}}


def errors_of(norm, seed):
    """Relative errors of a block's output and gradients under autocast, (n,2): fused, and by the plain formula."""
    torch.manual_seed(seed)
    block = ResBlock(16, 8, lambda c: norm(c, K))
    for p in block.parameters():
        nn.init.normal_(p, std=0.3)
    maps = label_maps().prepare([Reading(SIDE, SIDE, {"classes", "patches", "patches with edges"})])
    x = (torch.randn(2, 16, SIDE, SIDE) * 2 + 1).bfloat16().contiguous(memory_format=torch.channels_last)
    out, fast = run(copy.deepcopy(block), x, maps, torch.bfloat16)
    assert out.dtype == torch.bfloat16
    with plain_formula():
        _, plain = run(copy.deepcopy(block), x, maps, torch.bfloat16)
        double = copy.deepcopy(block).double()
        exact_maps = Semantics(maps.labels, K, maps.edges.double(), maps.offsets.double())
        _, exact = run(double, x.double(), exact_maps, None)
    return torch.tensor([[(found[name] - value).norm() / value.norm() for found in (fast, plain)]
                         for name, value in exact.items() if value.abs().max() > 1e-9])


@pytest.mark.parametrize("norm", NORMS)
def test_no_less_precise_than_the_plain_formula(norm, monkeypatch):
    """Against float64, a block's output and gradients err no more than those of torch's own autocast."""
    calls = []
    apply = autograd._ModulateConvolve.apply
    monkeypatch.setattr(autograd._ModulateConvolve, "apply", lambda *a: calls.append(1) or apply(*a))
    errors = torch.cat([errors_of(norm, seed) for seed in range(6)])  # of scalars, single errors are chance
    assert len(calls) == 3 * 6
    of_fast, of_plain = errors.median(0).values
    assert of_fast < 1.2 * of_plain < 0.1
    worse = errors.quantile(0.9, dim=0)
    assert worse[0] < 1.5 * worse[1]


@pytest.mark.parametrize("norm", [CLADE_ICPE, SPADE])
def test_a_generator_trains_under_autocast(norm):
    network = SPADEGenerator(norm, K, size=(32, 32), ngf=4)
    maps = network.prepare(label_maps(side=32))
    with torch.autocast("cpu", torch.bfloat16):
        image = network(maps)
    image.float().square().mean().backward()
    assert all(p.dtype == p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in network.parameters())
    for name, buffer in network.named_buffers():
        assert buffer.dtype != torch.bfloat16, name


def test_float16_divides_the_weight():
    """Whose range weights apart from their norm, and their gradients, would leave."""
    layer = spectral_norm(nn.Conv2d(4, 4, 3))
    with torch.autocast("cpu", torch.float16):
        assert singular_vectors(layer) is None
    with torch.autocast("cpu", torch.bfloat16):
        assert singular_vectors(layer) is not None


@pytest.mark.parametrize("z_dim", [0, 4])
@pytest.mark.parametrize("norm", [*NORMS, partial(CLADE, base=nn.InstanceNorm2d)])
def test_convolutions_in_low_precision_draw_nearly_the_same(norm, z_dim):
    network = SPADEGenerator(norm, K, size=(64, 64), ngf=4, z_dim=z_dim, init_gain=0.5).eval()
    maps = network.prepare(label_maps(side=64))
    style = Style(vector=torch.randn(2, z_dim)) if z_dim else None
    expected = network.optimize_for_inference()(maps, style)
    image = network.optimize_for_inference(dtype=torch.bfloat16)(maps, style)
    assert image.dtype == torch.float32
    # what is seen of it, against how much the picture shows at all: the largest error is the processor's luck
    error = (image - expected).norm() / (expected - expected.mean()).norm()
    assert 0 < error < 0.05
