"""Networks without values: the fused functions on the meta device, and what is chosen for a GPU that is not there."""

from functools import partial

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from semsynth.generators.spade import SPADEGenerator
from semsynth.modulation import autograd
from semsynth.norms import base
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

K = 5
NORMS = [partial(CLADE, edges=True), CLADE_ICPE, CLADE_DISTF, SPADE]


def label_maps(network):
    """Large regions, prepared on the CPU."""
    labels = torch.arange(K - 1).repeat_interleave(16).expand(2, 64, 64).contiguous()
    edges, offsets = torch.rand(2, 1, 64, 64).round(), torch.rand(2, 2, 64, 64)
    return network.prepare(Semantics(labels, K, edges, offsets))


@pytest.mark.parametrize("norm", NORMS)
def test_a_generator_without_values(norm, monkeypatch):
    """Forward, backward and drawing go through the fused functions and need no value of a label."""
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 1)
    calls, apply = [], autograd._ModulateConvolve.apply
    monkeypatch.setattr(autograd._ModulateConvolve, "apply", lambda *a: calls.append(1) or apply(*a))
    network = SPADEGenerator(norm, K, size=(64, 64), ngf=2)
    maps, network = label_maps(network).to("meta"), network.to("meta")
    network(maps).sum().backward()
    assert len(calls) >= 6
    assert all(p.grad is not None and p.grad.is_meta for p in network.parameters())
    assert network.eval().optimize_for_inference()(maps).shape == (2, 3, 64, 64)


def needed_on(device):
    with FakeTensorMode(), torch.device(device):
        network = SPADEGenerator(SPADE, K, size=(256, 256), ngf=2)
        return {tuple(size): size.needs for size in network.readings(256, 256)}


def test_a_gpu_looks_up_patches_on_large_maps_only():
    assert all(needed_on("cpu").values())
    assert {size for size, needs in needed_on("cuda").items() if needs} == {(128, 128), (256, 256)}
