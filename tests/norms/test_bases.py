"""The norms without parameters against numbers that are counted by hand, and against their formulas written out."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.norms.base import PONO, batch_norm, group_norm, inject_moments, layer_norm
from semsynth.norms.conditional import Unconditional
from semsynth.semantics import Semantics

EPS = 1e-5


def standardised(values):
    """Each (..., values) minus its mean, by the root of its variance and epsilon, with plain sums."""
    mean = values.sum(-1, keepdim=True) / values.shape[-1]
    variance = (values - mean).square().sum(-1, keepdim=True) / values.shape[-1]
    return (values - mean) / (variance + EPS).sqrt()


def features(n=2, c=12, h=3, w=5):
    # channels, samples and positions that differ in mean and spread: no two ways to group them agree
    x = torch.randn(n, c, h, w, dtype=torch.float64)
    return x * (1 + torch.arange(c)[:, None, None]) + 7 * torch.arange(n)[:, None, None, None] + torch.arange(w) ** 2


def over_channels(x):
    return standardised(x.movedim(1, -1)).movedim(-1, 1)


def over_a_sample(x):
    return standardised(x.flatten(1)).view_as(x)


def over_groups_of(channels):
    return lambda x: standardised(x.view(len(x), -1, channels * x[0, 0].numel())).view_as(x)


def over_the_batch(x):
    return standardised(x.transpose(0, 1).flatten(1)).view(x.shape[1], len(x), *x.shape[2:]).transpose(0, 1)


@pytest.mark.parametrize(("base", "formula"), [
    (PONO, over_channels), (layer_norm, over_a_sample), (batch_norm, over_the_batch),
    (group_norm, over_groups_of(3)),  # of 32 wished groups, 12 channels leave 4
    (lambda c: group_norm(c, groups=6), over_groups_of(2)), (lambda c: group_norm(c, groups=5), over_a_sample),
])
def test_a_base_is_its_formula(base, formula):
    x, norm = features(), base(12).double()
    assert_close(norm(x), formula(x))
    assert not list(norm.parameters())


def test_pono_s_epsilon_is_added_to_the_variance():
    """Where all channels are alike it is all there is."""
    mean, deviation = PONO(3, eps=0.25).moments(torch.full((1, 3, 1, 2), 4.0))
    assert mean.tolist() == [[[[4.0, 4.0]]]]
    assert deviation.tolist() == [[[[0.5, 0.5]]]]
    x = torch.tensor([1.0, 3.0, 8.0]).view(1, 3, 1, 1)  # mean 4, variance (9 + 1 + 16) / 3
    assert_close(PONO(3, eps=0.0)(x).flatten(), torch.tensor([-3.0, -1.0, 4.0]) / (26 / 3) ** 0.5)
    assert_close(inject_moments(x, mean[..., :1], deviation[..., :1]).flatten(), torch.tensor([4.5, 5.5, 8.0]))


def test_unconditional_scales_and_shifts_each_channel_whatever_the_label_map():
    norm, labels = Unconditional(2, 3, base=nn.Identity), torch.tensor([[[0, 1], [2, 0]]])
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 2, 2, 2)
    assert torch.equal(norm(x, Semantics(labels, 3)), x)  # as it starts
    norm.gamma.data[:, 0, 0], norm.beta.data[:, 0, 0] = torch.tensor([2.0, -1.0]), torch.tensor([5.0, 10.0])
    assert norm(x, Semantics(labels, 3)).tolist() == [[[[7, 9], [11, 13]], [[9, 8], [7, 6]]]]
