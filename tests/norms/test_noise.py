"""SPADE and CLADE that read noise: tables by picture against the plain formula, and who sees whose noise."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from semsynth.norms import base as base_module
from semsynth.norms.base import plain_formula
from semsynth.norms.clade_noise import CLADE_Noise
from semsynth.norms.noise import noise_map
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Reading, Semantics
from semsynth.semantics.regions import by_region
from semsynth.style import Style

K, Z, N, H, W = 5, 3, 2, 16, 12
NORMS = {"spade": partial(SPADE_Noise, hidden=7), "clade": CLADE_Noise}
NEEDS = {"patches by picture", "classes by picture"}


def maps(kind="real", n=N):
    coarse = F.interpolate(torch.randint(0, K, (n, 1, 3, 2)).float(), (H, W)).long()[:, 0]
    labels = {"real": coarse, "single": torch.full((n, H, W), 3), "same": coarse[:1].expand(n, H, W).contiguous()}[kind]
    return Semantics(labels, K).prepare([Reading(H, W, NEEDS)])


def styles(n=N):
    return {"vector": Style(vector=torch.randn(n, Z).double()), "classes": Style(classes=torch.randn(n, K, Z).double()),
            "noise": Style(noise=torch.randn(n, Z, H, W).double())}


def made(name):
    norm = NORMS[name](4, K, noise=Z).double()
    for p in norm.parameters():
        nn.init.normal_(p, std=0.3)
    return norm


def by_hand(norm, x, labels, noise):
    """From the formulas, on the map of noise (N,Z,H,W)."""
    x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    if isinstance(norm, SPADE_Noise):
        condition = torch.cat([F.one_hot(labels, K).permute(0, 3, 1, 2).to(x), noise], 1)
        hidden = F.conv2d(condition, norm.shared.weight, norm.shared.bias, padding=1).relu()
        gamma = 1 + F.conv2d(hidden, norm.gamma.weight, norm.gamma.bias, padding=1)
        return x * gamma + F.conv2d(hidden, norm.beta.weight, norm.beta.bias, padding=1)
    projected = torch.einsum("nzhw,cz->nchw", noise, norm.project.weight) + norm.project.bias[:, None, None]
    gamma, beta, own_gamma, own_beta = (table[labels].permute(0, 3, 1, 2) for table in (
        norm.gamma, norm.beta, norm.noise_gamma, norm.noise_beta))
    return x * (gamma + own_gamma * projected) + beta + own_beta * projected


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("code", ["vector", "classes", "noise"])
@pytest.mark.parametrize("kind", ["real", "single", "same"])
@pytest.mark.parametrize("name", NORMS)
def test_equals_the_formula(name, kind, code, fused, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1 if fused else 2 ** 40)
    norm, semantics, style = made(name), maps(kind), styles()[code]
    plain = copy.deepcopy(norm)
    x = torch.randn(N, 4, H, W).double().to(memory_format=torch.channels_last).requires_grad_()
    with monkeypatch.context() as context:
        if code != "noise":  # codes have tables
            context.setattr(norm, "modulation", None)
        out = norm(x, semantics, style)
    expected = by_hand(plain, x, semantics.labels, noise_map(style, semantics, Z))
    assert_close(out, expected)
    with plain_formula():
        assert_close(plain(x, semantics, style), expected)
    weights = torch.randn_like(expected)
    grads = torch.autograd.grad((out * weights).sum(), (x, *norm.parameters()))
    plain_grads = torch.autograd.grad((expected * weights).sum(), (x, *plain.parameters()))
    for (key, _), grad, plain_grad in zip([("x", x), *norm.named_parameters()], grads, plain_grads, strict=True):
        assert_close(grad, plain_grad, msg=key)


@pytest.mark.parametrize("name", NORMS)
def test_gradients_reach_the_noise(name, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    norm, semantics = made(name), maps()
    x = torch.randn(N, 4, H, W).double().to(memory_format=torch.channels_last)
    codes = torch.randn(N, K, Z).double().requires_grad_()
    weights = torch.randn_like(x)
    found, = torch.autograd.grad((norm(x, semantics, Style(classes=codes)) * weights).sum(), codes)
    with plain_formula():
        expected, = torch.autograd.grad((norm(x, semantics, Style(classes=codes)) * weights).sum(), codes)
    assert_close(found, expected)
    assert found.abs().sum() > 0


@pytest.mark.parametrize("name", NORMS)
def test_a_map_that_repeats_the_codes_is_the_codes(name):
    norm, semantics, style = made(name).eval(), maps(), styles()["classes"]
    x = torch.randn(N, 4, H, W).double()
    spelled = Style(noise=by_region(style.classes, semantics.labels))
    assert_close(norm(x, semantics, spelled), norm(x, semantics, style))
    everywhere = Style(classes=styles()["vector"].vector[:, None].expand(-1, K, -1))
    whole = Style(vector=everywhere.classes[:, 0])
    assert_close(norm(x, semantics, whole), norm(x, semantics, everywhere))


@pytest.mark.parametrize("name", NORMS)
def test_soft_maps_mix_the_codes(name):
    norm, semantics, style = made(name).eval(), maps(), styles()["classes"]
    x = torch.randn(N, 4, H, W).double()
    hard = F.one_hot(semantics.labels, K).permute(0, 3, 1, 2).double()
    assert_close(norm(x, Semantics.from_probabilities(hard), style), norm(x, semantics, style))


def test_a_map_of_noise_is_resized_like_labels():
    noise = torch.arange(16.0).view(1, 1, 4, 4)
    view = Semantics(torch.zeros(1, 2, 2).long(), K)
    assert noise_map(Style(noise=noise), view, 1).flatten().tolist() == [0, 2, 8, 10]


def test_what_is_prepared_travels():
    semantics = maps().map(lambda t: t.clone())
    assert semantics.patches(by_picture=True) is not None
    assert semantics.by_class(by_picture=True).pieces is not None
    assert semantics.patches() is None


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize(("style", "words"), [
    (None, "reads a style"), (Style(vector=torch.zeros(N, Z + 1)), "noise of 3 numbers"),
    (Style(noise=torch.zeros(N, Z + 1, H, W)), "noise of 3 numbers"),
    (Style(instances=torch.zeros(N, 1, Z)), "reads noise")])
def test_other_styles_are_refused(name, style, words):
    with pytest.raises(ValueError, match=words):
        made(name)(torch.randn(N, 4, H, W).double(), maps(), style)
