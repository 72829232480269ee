"""The fast generators against the plain formula: label maps of every kind, training and evaluation, soft maps."""

import copy
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.testing import assert_close

from semsynth.data.scenes.dataset import Scenes
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms import base
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

K, N, H, W = 12, 2, 64, 96
NORMS = {"spade": partial(SPADE, hidden=32), "spade_edges": partial(SPADE, edges=True, hidden=32),
         "clade_edges": partial(CLADE, edges=True), "icpe": CLADE_ICPE}
KINDS = ["regions", "one class", "checkerboard", "noise", "real"]


@pytest.fixture(autouse=True)
def _every_size(monkeypatch):
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)


def labels_of(kind):
    if kind == "real":
        files = sorted((Path(os.environ.get("SEMSYNTH_DATA", "")) / "coco_stuff").glob("*_label/*.png"))[:N]
        if files:
            maps = [np.array(Image.open(f).resize((W, H), Image.Resampling.NEAREST)) % K for f in files]
        else:
            scenes = Scenes(N, size=W)
            maps = [np.asarray(scenes[i]["labels"])[:H] for i in range(N)]
        return torch.from_numpy(np.stack(maps).astype(np.int64))
    return {"regions": F.interpolate(torch.randint(0, K, (N, 1, 4, 3)).float(), (H, W)).long()[:, 0],
            "one class": torch.full((N, H, W), 3),
            "checkerboard": ((torch.arange(H)[:, None] + torch.arange(W)) % 2).expand(N, H, W).contiguous(),
            "noise": torch.randint(0, K, (N, H, W))}[kind]


def label_maps(kind):
    labels = labels_of(kind)
    edges = F.pad((labels[:, 1:] != labels[:, :-1]).float(), (0, 0, 1, 0))[:, None]
    return Semantics(labels, K, edges, torch.rand(N, 2, H, W) * 2 - 1)


def in_double(maps):
    soft = None if maps.probabilities is None else maps.probabilities.double()
    return Semantics(maps.labels, K, maps.edges.double(), maps.offsets.double(), soft)


def network_of(norm):
    network = SPADEGenerator(NORMS[norm], K, size=(H, W), ngf=8)
    for name, p in network.named_parameters():
        if "fc" not in name:
            nn.init.normal_(p, std=0.3)
    return network


def settled(network, maps):
    """In evaluation mode, with running statistics near those of these maps, as training leaves them."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.momentum = 1.0
    with torch.no_grad():
        for _ in range(4):  # spectral norms settle as well
            network(maps)
    for m in norms:
        m.running_mean += 0.3 * torch.randn_like(m.running_mean) * m.running_var.sqrt()
        m.running_var *= torch.empty_like(m.running_var).uniform_(0.5, 2)
    return network.eval()


def scaled(network, maps):
    """Its last layer scaled so that the images use their range instead of lying at its ends."""
    outputs = []
    copied = copy.deepcopy(network)
    copied.conv_img.register_forward_hook(lambda *a: outputs.append(a[-1]))
    with torch.no_grad(), plain_formula():
        copied(maps)
        network.conv_img.weight /= outputs[0].std()
        network.conv_img.bias /= outputs[0].std()
    return network


def reference(network, maps):
    """The plain formula in float64."""
    sizes = network.readings(H, W)
    with torch.no_grad(), plain_formula():
        return copy.deepcopy(network).double()(in_double(maps).prepare(sizes))


def error(image, expected):
    return ((image - expected).abs().max() / expected.abs().max()).item()


def rounding(network, maps, expected):
    """1e-5; three times what float32 leaves of the plain formula where narrow networks amplify rounding further."""
    with torch.no_grad(), plain_formula():
        return max(1e-5, 3 * error(copy.deepcopy(network)(maps), expected))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_pictures_in_float32(norm, kind):
    """Against float64, in training and evaluation mode and folded, with new and with kept tables."""
    network, maps = network_of(norm), label_maps(kind)
    network.prepare(maps)
    expected = reference(scaled(network, maps), maps)
    assert error(copy.deepcopy(network)(maps), expected) < rounding(network, maps, expected)
    scaled(settled(network, maps), maps)
    expected, folded = reference(network, maps), network.optimize_for_inference()
    for drawn in (network(maps), folded(maps), folded(maps)):
        assert error(drawn, expected) < rounding(network, maps, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_gradients_in_float64(norm, kind):
    fast, maps = network_of(norm).double(), in_double(label_maps(kind))
    plain, sizes = copy.deepcopy(fast), fast.readings(H, W)
    maps.prepare(sizes)
    weights = torch.linspace(-1, 1, N * 3 * H * W, dtype=torch.float64).view(N, 3, H, W)
    (fast(maps) * weights).sum().backward()
    with plain_formula():
        (plain(maps) * weights).sum().backward()
    for (name, p), q in zip(fast.named_parameters(), plain.parameters(), strict=True):
        assert_close(p.grad, q.grad, rtol=1e-6, atol=1e-9, msg=name)
    for (name, b), c in zip(fast.named_buffers(), plain.buffers(), strict=True):
        assert_close(b, c, msg=name)


@pytest.mark.parametrize("norm", NORMS)
def test_soft_maps(norm):
    """Probabilities take the plain path: float32 equals float64, and a soft map that is sure equals the hard one."""
    network, maps = network_of(norm), label_maps("regions")
    sizes = network.readings(H, W)
    settled(network, maps.prepare(sizes))
    for logits in (torch.randn(N, K, H, W), 1e3 * F.one_hot(maps.labels, K).permute(0, 3, 1, 2).float()):
        soft = Semantics.from_probabilities(logits.softmax(1), edges=maps.edges, offsets=maps.offsets).prepare(sizes)
        expected = reference(scaled(network, soft), soft)
        folded = network.optimize_for_inference()
        for drawn in (network(soft), folded(soft)):
            assert error(drawn, expected) < rounding(network, soft, expected)
    assert error(folded(maps), expected) < rounding(network, soft, expected)


@pytest.mark.parametrize("norm", NORMS)
def test_checkpointing(norm):
    """Recomputed blocks give the gradients and the state of kept ones, through the fused functions."""
    plain, maps = network_of(norm).double(), in_double(label_maps("regions"))
    saving = copy.deepcopy(plain)
    saving.checkpointing = True
    plain.prepare(maps)
    for network in (plain, saving):
        network(maps).square().mean().backward()
    for (name, p), q in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert_close(q.grad, p.grad, msg=name)
    for (name, b), c in zip(plain.named_buffers(), saving.buffers(), strict=True):
        assert_close(c, b, msg=name)


@pytest.mark.parametrize("norm", NORMS)
def test_validation_between_training_steps(norm):
    """Label maps prepared in inference mode serve training afterwards, and the other way round."""
    network, maps = network_of(norm), label_maps("regions")
    sizes, gradients = network.readings(H, W), []
    for first in (torch.inference_mode, torch.no_grad, torch.enable_grad):
        fresh, trained = Semantics(maps.labels, K, maps.edges, maps.offsets), copy.deepcopy(network)
        with first():
            fresh.prepare(sizes)
        with torch.inference_mode():
            copy.deepcopy(network).eval()(fresh)
        trained(fresh).square().mean().backward()
        gradients.append([p.grad for p in trained.parameters()])
        with torch.inference_mode():
            assert trained.eval()(fresh).isfinite().all()
    for grads in gradients[1:]:
        for a, b in zip(grads, gradients[0], strict=True):
            assert_close(a, b, rtol=1e-4, atol=1e-5)
