"""compile=true: kernels from a compiler, the same numbers, and none compiled anew for another label map."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dynamo.utils import counters
from torch.testing import assert_close

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.generators.blocks import ResBlock
from semsynth.generators.spade import SPADEGenerator
from semsynth.modulation import compiler
from semsynth.modulation.compiler import any_sizes
from semsynth.norms import base
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K = 5


@pytest.fixture(autouse=True)
def _from_nothing(monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)
    torch._dynamo.reset()
    compiler._compiled.cache_clear()
    counters.clear()
    yield
    torch._dynamo.reset()
    compiler._compiled.cache_clear()


@pytest.fixture
def _traced(monkeypatch):
    """Graphs are traced and guarded as always, but run without C++ code, which takes long to make."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))


def label_maps(n, h, w, regions):
    labels = F.interpolate(torch.randint(0, K, (n, 1, regions, regions)).float(), (h, w)).long()[:, 0]
    edges = (labels[:, None] != labels[:, None].roll(1, 2)).float()
    return Semantics(labels, K, edges, torch.rand(n, 2, h, w) * 2 - 1)


def randomised(network):
    for name, p in network.named_parameters():
        if "fc" not in name:
            nn.init.normal_(p, std=0.3)
    return network


def gradients(network, maps):
    image = network(maps)
    (image * torch.linspace(-1, 1, image.numel()).view_as(image)).sum().backward()
    return {"image": image.detach(), **{name: p.grad for name, p in network.named_parameters()}}


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("norm", [partial(CLADE_ICPE, edges=True), SPADE])
def test_training(norm):
    """Equal to the eager network for three label maps of other patches, with the compiler at work for the first."""
    eager = randomised(SPADEGenerator(norm, K, size=(64, 64), ngf=2)).double()
    network = copy.deepcopy(eager)
    network.compile()
    compiled = []
    for regions in (3, 7, 2):
        maps = network.prepare(label_maps(2, 64, 64, regions))
        results = [gradients(n, maps) for n in (network, eager)]
        for name, value in results[1].items():
            assert_close(results[0][name], value, rtol=1e-7, atol=1e-9, msg=name)
        for n in (network, eager):
            n.zero_grad()
        compiled.append(counters["stats"]["unique_graphs"])
    assert compiled[0] > 0
    assert compiled[1:] == [compiled[0]] * 2, "compiled anew for another label map"


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("norm", [partial(CLADE_ICPE, edges=True), SPADE, CLADE])
def test_inference(norm):
    network = randomised(SPADEGenerator(norm, K, size=(64, 64), ngf=2)).eval()
    eager, fast = network.optimize_for_inference(), network.optimize_for_inference(compile=True)
    compiled = []
    for regions, n in ((3, 2), (7, 2), (2, 3), (4, 1)):
        maps = network.prepare(label_maps(n, 64, 64, regions))
        assert_close(fast(maps), eager(maps), rtol=0, atol=1e-5)
        compiled.append(counters["stats"]["unique_graphs"])
    assert compiled[0] > 0
    assert compiled[1:] == [compiled[0]] * 3, "compiled anew for another label map"


def test_discriminator():
    eager = MultiscaleDiscriminator(K, edges=True, ndf=8)
    network = copy.deepcopy(eager)
    network.compile(backend="eager")
    compiled = []
    for regions in (3, 7, 2):
        maps, images = label_maps(2, 64, 64, regions), torch.randn(4, 3, 64, 64)
        for found, expected in zip(network(maps, images), eager(maps, images), strict=True):
            for a, b in zip(found, expected, strict=True):
                assert_close(a, b, rtol=1e-3, atol=1e-4)
        compiled.append(counters["stats"]["unique_graphs"])
    assert compiled[0] > 0
    assert compiled[1:] == [compiled[0]] * 2, "compiled anew for another label map"


def test_a_whole_network_under_torch_compile():
    """Whoever hands the network to torch.compile gets right pictures as well, without a graph for every label map."""
    network = randomised(SPADEGenerator(SPADE, K, size=(64, 64), ngf=2)).eval()
    whole, compiled = torch.compile(network, backend="eager"), []
    with torch.no_grad():
        for regions in (3, 7, 2, 4):
            maps = network.prepare(label_maps(1, 64, 64, regions))
            assert_close(whole(maps), network(maps), rtol=1e-3, atol=1e-4)
            compiled.append(counters["stats"]["unique_graphs"])
    assert len(set(compiled[1:])) == 1, compiled


@pytest.mark.slow
@pytest.mark.seldom
@pytest.mark.parametrize("norm", [SPADE, partial(CLADE_ICPE, edges=True)])
def test_a_generator_is_one_graph(norm):
    """Nothing in it needs Python or a value on the host."""
    network = randomised(SPADEGenerator(norm, K, size=(64, 64), ngf=2)).double()
    maps, twin = network.prepare(label_maps(2, 64, 64, 3)), copy.deepcopy(network)
    with any_sizes():
        image = torch.compile(SPADEGenerator._image, fullgraph=True, backend="eager")(network, maps, None)
    image.sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert_close(image, twin(maps))


@pytest.mark.slow
@pytest.mark.seldom
@pytest.mark.parametrize("norm", [SPADE, CLADE])
def test_other_label_maps_need_no_other_graph(norm):
    """Numbers of patches and pieces vary: after three label maps nothing is compiled any more."""
    block = ResBlock(6, 4, lambda c: norm(c, K)).double()
    for p in block.parameters():
        nn.init.normal_(p, std=0.5)
    plain, compiled = copy.deepcopy(block), []
    run = torch.compile(ResBlock.forward, fullgraph=True, backend="aot_eager")
    for regions in (3, 5, 2, 4, 3, 1, 6):
        maps = label_maps(2, 32, 32, regions).prepare([Reading(32, 32, {"classes", "patches"})])
        x = torch.randn(2, 6, 32, 32).double().to(memory_format=torch.channels_last)
        with any_sizes():
            out = run(block, x, maps)
        expected = plain(x, maps)
        assert_close(out, expected)
        for found, true in zip(*(torch.autograd.grad(o.square().sum(), list(b.parameters()))
                                 for o, b in ((out, block), (expected, plain))), strict=True):
            assert_close(found, true)
        compiled.append(counters["stats"]["unique_graphs"])
    assert compiled[2:] == [compiled[2]] * 5, compiled


@pytest.mark.parametrize("dtype", [torch.float32, pytest.param(torch.bfloat16, marks=pytest.mark.seldom)])
def test_kernels(dtype):
    """Compiled for real: one norm, forward and backward."""
    norm, maps = CLADE(6, K, edges=True), label_maps(2, 8, 12, 3)
    nn.init.normal_(norm.gamma)
    x = (torch.randn(2, 6, 8, 12) * 2 + 1).to(dtype).contiguous(memory_format=torch.channels_last)
    results = []
    for compiled in (True, False):
        norm.compiled = compiled
        inputs = [x.clone().requires_grad_(), *norm.parameters()]
        out = norm(inputs[0], maps, slope=0.2)
        weights = torch.linspace(-1, 1, out.numel()).view_as(out)
        results.append([out, *torch.autograd.grad((out.float() * weights).sum(), inputs)])
    tolerance = 1e-4 if dtype == torch.float32 else 1e-2
    for found, expected in zip(*results, strict=True):
        assert_close(found, expected, rtol=tolerance, atol=tolerance)
