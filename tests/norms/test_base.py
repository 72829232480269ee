"""What the base class makes of a norm that says its formula and its tables."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.testing import assert_close

from semsynth.generators.spade import SPADEGenerator
from semsynth.layers.init import spectral_norm
from semsynth.modulation.modulation import Modulation
from semsynth.norms import base as base_module
from semsynth.norms.base import Norm, batch_norm, plain_formula
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.conditional import Unconditional
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics
from semsynth.semantics.lookup import Lookup

N, K, C, H, W, D = 2, 4, 3, 6, 9, 5


class ByStyle(Norm):
    """1 + gamma and beta by class and sample, from codes (N,K,D); the offsets appended."""

    reads_style = True
    residual = True

    def __init__(self, channels, num_classes, base=batch_norm):
        super().__init__(channels, num_classes, base)
        self.gamma, self.beta = nn.Linear(D, channels), nn.Linear(D, channels)
        self.out_channels += 2

    def modulation(self, view, style=None):
        picked = torch.stack([codes[labels] for codes, labels in zip(style, view.labels, strict=True)])
        return self.gamma(picked).permute(0, 3, 1, 2), self.beta(picked).permute(0, 3, 1, 2)

    def tables(self, view, style=None):
        rows = (view.labels + K * torch.arange(len(view))[:, None, None]).flatten()
        gamma, beta = self.gamma(style).flatten(0, 1), self.beta(style).flatten(0, 1)
        return Modulation(1 + gamma, beta, Lookup(rows, K * len(view)))

    def appended(self, view):
        return view.offsets


class ByClass(Norm):
    """Gamma in (0, 1) by class, more where the label maps show more of class 0: linear in no weights."""

    def __init__(self, channels, num_classes, base=batch_norm):
        super().__init__(channels, num_classes, base)
        self.rows = nn.Parameter(torch.randn(num_classes, 2 * channels))

    def _halves(self, view):
        gamma, beta = self.rows.chunk(2, 1)
        return (gamma + (view.labels == 0).to(gamma).mean()).sigmoid(), beta

    def modulation(self, view, style=None):
        return tuple(F.embedding(view.labels, rows).permute(0, 3, 1, 2) for rows in self._halves(view))

    def tables(self, view, style=None):
        return Modulation(*self._halves(view), view.by_class())


class Normalised(SPADE):
    """With a spectral norm on the convolution to gamma."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        spectral_norm(self.gamma)


def maps(n=N, h=H, w=W, dtype=torch.float64):
    return Semantics(torch.randint(0, K, (n, h, w)), K, torch.rand(n, 1, h, w).round().to(dtype),
                     torch.rand(n, 2, h, w).to(dtype) * 2 - 1)


def randomised(norm):
    for p in norm.parameters():
        nn.init.normal_(p)
    norm.base.running_mean.normal_()
    norm.base.running_var.uniform_(0.5, 2)
    return norm


def features():
    return torch.randn(N, C, H, W).double().to(memory_format=torch.channels_last)


@pytest.mark.parametrize("fused", [True, False])
def test_tables_by_style_are_the_formula(fused, monkeypatch):
    """Fused, and looked up, with gradients of the style too."""
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1 if fused else 2 ** 40)
    norm, sem = randomised(ByStyle(C, K).double()), maps()
    x, style = features().requires_grad_(), torch.randn(N, K, D).double().requires_grad_()
    assert (norm.fused(x, sem, style) is not None) == fused
    found, plain = norm(x, sem, style, slope=0.2), copy.deepcopy(norm)
    with plain_formula():
        expected = plain(x, sem, style, slope=0.2)
    gamma, beta = plain.modulation(sem, style)
    by_hand = F.leaky_relu(torch.cat([batch_norm(C).double()(x) * (1 + gamma) + beta, sem.offsets], 1), 0.2)
    weights = torch.randn_like(found)
    assert_close(expected, by_hand)
    assert_close(found, by_hand)
    assert_close(*(torch.autograd.grad((out * weights).sum(), (x, style, *m.parameters()))
                   for out, m in ((found, norm), (expected, plain))))


def test_a_style_that_is_read_must_be_given():
    with pytest.raises(ValueError, match="ByStyle reads a style"):
        ByStyle(C, K)(torch.zeros(N, C, H, W), maps())


def test_of_a_norm_that_reads_a_style_no_rows_are_kept():
    """They would be those of a label map, whatever the style."""
    assert ByStyle(C, K).folded() is None
    assert CLADE(C, K, nn.InstanceNorm2d).folded() is None


@pytest.mark.parametrize("norm", [ByClass, Unconditional])
def test_drawing_follows_from_the_tables(norm):
    network = SPADEGenerator(norm, K, size=(32, 32), ngf=2, init_gain=1.0).eval()
    for module in network.modules():
        if isinstance(module, Norm):
            randomised(module)
    folded = network.optimize_for_inference()
    sizes = network.readings(32, 32)
    for _ in range(2):  # another label map
        sem = maps(1, 32, 32, torch.float32).prepare(sizes)
        with torch.no_grad(), plain_formula():
            assert_close(folded(sem), network(sem), rtol=0, atol=2e-5)


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("cls", [CLADE, CLADE_ICPE, CLADE_DISTF, SPADE, Normalised])
def test_statistics_go_into_the_weights(cls, edges):
    norm, sem, x = randomised(cls(C, K, edges=edges).double()).eval(), maps(), features()
    expected = norm(x, sem, slope=0.2)
    assert norm.fold_()
    assert_close(norm(x, sem, slope=0.2), expected)
    assert not [m for m in norm.modules() if isinstance(m, nn.BatchNorm2d) or is_parametrized(m)]
    assert not norm.fold_()


@pytest.mark.parametrize("norm", [ByClass(C, K), CLADE(C, K, nn.InstanceNorm2d), Unconditional(C, K)])
def test_what_is_not_linear_stays_as_it_is(norm):
    before = copy.deepcopy(norm)
    assert not norm.fold_()
    assert repr(norm) == repr(before)
    assert_close(norm.state_dict(), before.state_dict(), rtol=0, atol=0)
