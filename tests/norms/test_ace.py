"""ACE: tables by picture against the formula written out, gradients, noise, and which pixels see whose style."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from semsynth.norms import base as base_module
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.base import plain_formula
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style

K, Z, N, H, W, C = 5, 3, 2, 24, 20, 4
NORMS = {"ace": partial(ACE, hidden=7), "ace_clade": ACE_CLADE}
NEEDS = {"patches by picture", "patches", "classes"}


def maps(kind="real"):
    coarse = F.interpolate(torch.randint(0, K, (N, 1, 3, 2)).float(), (H, W)).long()[:, 0]
    labels = {"real": coarse, "single": torch.full((N, H, W), 3), "same": coarse[:1].expand(N, H, W).contiguous()}[kind]
    return Semantics(labels, K).prepare([Reading(H, W, NEEDS)])


def made(name, **words):
    norm = NORMS[name](C, K, codes=Z, **words).double()
    for p in norm.parameters():
        nn.init.normal_(p, std=0.3)
    return norm


def drawn():
    return Style(classes=torch.randn(N, K, Z).double(), noise=torch.randn(N, 1, H, W).double())


def by_hand(norm, x, labels, style):
    """Picture by picture and class by class, as the paper says it."""
    x = x + norm.noise_scale[:, None, None] * style.noise
    x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    if isinstance(norm, ACE_CLADE):
        gamma, beta = (table[labels].permute(0, 3, 1, 2) for table in (norm.labels.gamma, norm.labels.beta))
    else:
        hidden = norm.labels.shared(F.one_hot(labels, K).permute(0, 3, 1, 2).to(x)).relu()
        gamma, beta = norm.labels.gamma(hidden), norm.labels.beta(hidden)
    if norm.reads_style:
        pictures = []
        for n in range(N):
            shown = torch.zeros(Z, H, W).double()
            for k in range(K):
                code = F.relu(F.linear(style.classes[n, k], norm.project.weight[k], norm.project.bias[k]))
                shown = torch.where(labels[n] == k, code[:, None, None], shown)
            pictures.append(shown)
        share_gamma, share_beta = torch.sigmoid(norm.blend_gamma), torch.sigmoid(norm.blend_beta)
        gamma = share_gamma * norm.gamma(torch.stack(pictures)) + (1 - share_gamma) * gamma
        beta = share_beta * norm.beta(torch.stack(pictures)) + (1 - share_beta) * beta
    return x * (1 + gamma) + beta


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("styled", [True, False])
@pytest.mark.parametrize("kind", ["real", "single", "same"])
@pytest.mark.parametrize("name", NORMS)
def test_equals_the_formula(name, kind, styled, fused, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1 if fused else 2 ** 40)
    norm, semantics, style = made(name, styled=styled), maps(kind), drawn()
    plain = copy.deepcopy(norm)
    x = torch.randn(N, C, H, W).double().to(memory_format=torch.channels_last).requires_grad_()
    with monkeypatch.context() as context:
        context.setattr(norm, "modulation", None)  # tables alone
        out = norm(x, semantics, style)
    expected = by_hand(plain, x, semantics.labels, style)
    assert_close(out, expected)
    with plain_formula():
        assert_close(plain(x, semantics, style), expected)
    weights = torch.randn_like(expected)
    grads = torch.autograd.grad((out * weights).sum(), (x, *norm.parameters()), allow_unused=True)
    plain_grads = torch.autograd.grad((expected * weights).sum(), (x, *plain.parameters()), allow_unused=True)
    for (key, _), grad, plain_grad in zip([("x", x), *norm.named_parameters()], grads, plain_grads, strict=True):
        assert (grad is None) == (plain_grad is None) == (key.startswith("blend_") and not styled), key
        assert grad is None or torch.allclose(grad, plain_grad, atol=1e-9, rtol=1e-6), key


@pytest.mark.parametrize("name", NORMS)
def test_gradients_reach_the_codes(name):
    norm, semantics = made(name), maps()
    codes, noise = torch.randn(N, K, Z).double().requires_grad_(), torch.randn(N, 1, H, W).double()
    x = torch.randn(N, C, H, W).double()
    weights = torch.randn(N, C, H, W).double()
    out = (norm(x, semantics, Style(classes=codes, noise=noise)) * weights).sum()
    plain = (by_hand(norm, x, semantics.labels, Style(classes=codes, noise=noise)) * weights).sum()
    assert_close(torch.autograd.grad(out, codes), torch.autograd.grad(plain, codes))


@pytest.mark.parametrize("name", NORMS)
def test_autocast_without_patches(name):
    """On small maps convolutions answer in low precision, banks in that of the weights."""
    norm, style, x = made(name).float().eval(), drawn().map(torch.Tensor.float), torch.randn(N, C, H, W)
    semantics = Semantics(maps().labels, K)
    with torch.autocast("cpu", torch.bfloat16):
        low = norm(x, semantics, style)
    assert_close(low.float(), norm(x, semantics, style), atol=0.1, rtol=0.05)


def test_a_soft_map_mixes_styles():
    norm, style = made("ace"), drawn()
    hard = maps()
    soft = Semantics.from_probabilities(hard.one_hot(dtype=torch.float64))
    x = torch.randn(N, C, H, W).double()
    assert_close(norm(x, soft, style), norm(x, hard, style))


def test_noise_is_drawn_where_none_is_given():
    norm, semantics = made("ace"), maps()
    style, x = Style(classes=torch.randn(N, K, Z).double()), torch.randn(N, C, H, W).double()
    torch.manual_seed(3)
    noise = torch.randn(N, 1, H, W, dtype=torch.float64)
    given = norm(x, semantics, Style(classes=style.classes, noise=noise))
    torch.manual_seed(3)
    assert_close(norm(x, semantics, style), given)
    assert not torch.allclose(norm(x, semantics, style), given)
    larger = noise.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(norm(x, semantics, Style(classes=style.classes, noise=larger)), given)  # nearest


def test_each_norm_has_a_map_of_noise_of_its_own():
    norm, semantics, x = made("ace"), maps(), torch.randn(N, C, H, W).double()
    style = Style(classes=torch.randn(N, K, Z).double(), noise=torch.randn(N, 2, H, W).double())
    norm.layer = 1
    assert_close(norm(x, semantics, style),
                 norm_of_layer_0(norm)(x, semantics, Style(classes=style.classes, noise=style.noise[:, 1:])))
    norm.layer = 2
    with pytest.raises(ValueError, match="adds noise in 3 norms or more"):
        norm(x, semantics, style)


def norm_of_layer_0(norm):
    other = copy.deepcopy(norm)
    other.layer = 0
    return other


def test_other_styles_are_refused():
    norm, semantics, x = made("ace"), maps(), torch.randn(N, C, H, W).double()
    with pytest.raises(ValueError, match="none was given"):
        norm(x, semantics)
    with pytest.raises(ValueError, match="got vector alone"):
        norm(x, semantics, Style(vector=torch.zeros(N, Z)))
    with pytest.raises(ValueError, match=r"classes=\(N,5,3\), got \(2, 4, 3\)"):
        norm(x, semantics, Style(classes=torch.zeros(N, 4, Z)))


def test_where_the_banks_start():
    assert -1 <= ACE_CLADE(64, K).labels.gamma.min() < -0.5
    assert 0 <= ACE_CLADE(64, K, bank="raw").labels.gamma.min() < 0.5
    with pytest.raises(ValueError, match="one_plus or raw"):
        ACE_CLADE(C, K, bank="two")


def test_without_styles_there_is_clade_plus_noise_at_the_start():
    """one_plus: the factor starts as CLADE's."""
    from semsynth.norms.clade import CLADE

    norm, clade = ACE_CLADE(C, K, styled=False), CLADE(C, K)
    clade.gamma.data.copy_(1 + norm.labels.gamma)
    x = torch.randn(N, C, H, W)
    semantics = maps()
    assert_close(norm(x, semantics), clade(x, semantics))
