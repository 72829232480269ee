"""Conditional group normalisation: by tables against the plain formula, and groups that see their classes alone."""

import copy

import pytest
import torch
import torch.nn.functional as F
from alike import normed_alike
from torch import nn
from torch.testing import assert_close

from semsynth.norms import base as base_module
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE
from semsynth.norms.group import Grouped, GroupSPADE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K = 6
FORMS = {"alike": {"groups": 3}, "by class": {"groups": 2, "hidden_groups": 6, "output_groups": 6},
         "classes first": {"groups": 2, "hidden_groups": 6}, "one": {"groups": 1}}


def maps(n=2, h=32, w=24, dtype=torch.float64):
    labels = F.interpolate(torch.randint(0, K, (n, 1, 2, 2)).float(), (h, w)).long()[:, 0]
    edges = torch.zeros(n, 1, h, w, dtype=dtype)
    edges[..., 1:, :] = (labels[:, None, 1:] != labels[:, None, :-1]).to(dtype)
    return Semantics(labels, K, edges).prepare([Reading(h, w, {"patches", "patches with edges"})])


def made(form, edges=False, channels=12):
    norm = GroupSPADE(channels, K, edges=edges, hidden=12, **FORMS[form])
    for p in norm.parameters():
        nn.init.normal_(p, std=0.3)
    return norm.double()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_equals_the_plain_formula(form, edges, fused, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1 if fused else 2 ** 40)
    norm, sem = made(form, edges), maps()
    plain = copy.deepcopy(norm)
    x = torch.randn(2, 12, 32, 24).double().to(memory_format=torch.channels_last).requires_grad_()
    normed_alike(norm, plain, x, sem, 0.2, monkeypatch)


@pytest.mark.parametrize("edges", [False, True])
def test_one_group_is_spade(edges):
    norm, sem = made("one", edges), maps()
    spade = SPADE(12, K, edges=edges, hidden=12).double()
    state = norm.state_dict()
    if edges:  # SPADE reads the edge map once
        weight = state["shared.weight"]
        state["shared.weight"] = torch.cat([weight[:, ::2], weight[:, 1::2].sum(1, keepdim=True)], 1)
    spade.load_state_dict(state)
    x = torch.randn(2, 12, 32, 24).double()
    assert_close(norm.eval()(x, sem), spade.eval()(x, sem))


def test_a_class_stays_in_its_group():
    norm, labels = made("by class").eval(), torch.zeros(1, 16, 16, dtype=torch.int64)
    other = labels.index_fill(2, torch.tensor(5), 4)  # a column of class 4 in class 0
    with plain_formula():
        a, b = (torch.cat(norm.modulation(Semantics(m, K))) for m in (labels, other))
    changed = (a != b).any(-1).any(-1).any(0).view(K, 2).any(1)
    assert changed.tolist() == [True, False, False, False, True, False]


def test_folded_drawing(monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    norm, sem = made("alike", True), maps()
    x = torch.randn(2, 12, 32, 24).double()
    for _ in range(2):
        norm(x, sem)
    rows = norm.eval().folded()(sem)
    factor, shift = F.embedding(rows.index.view(2, 32, 24), rows.table).permute(0, 3, 1, 2).chunk(2, 1)
    assert_close(x * factor + shift, norm(x, sem))


def test_what_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="4 groups must divide 6 classes"):
        GroupSPADE(12, K, groups=4)
    with pytest.raises(ValueError, match="6 groups 10 channels"):
        GroupSPADE(10, K, groups=6)
    with pytest.raises(ValueError, match="generator=groupdnet"):
        Grouped()(1)
    with pytest.raises(ValueError, match=r"norm\.hidden has 2 entries for 3"):
        Grouped(hidden=[8, 8]).following([1, 1, 1])
    assert GroupSPADE(12, K, groups=3, hidden=10).shared.out_channels == 12
    assert Grouped(base=nn.InstanceNorm2d).following([2])(1)(4, num_classes=2).base.num_features == 4


def test_the_clade_form_appends_nothing():
    from commands import training
    from hydra.utils import instantiate

    norm = instantiate(training("norm=group_clade", "dataset=cityscapes").norm)(8, num_classes=35)
    assert type(norm) is CLADE
    assert norm.out_channels == 8
