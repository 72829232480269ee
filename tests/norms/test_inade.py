"""INADE by tables of instances against the formula pixel by pixel."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.norms import base as base_module
from semsynth.norms.base import plain_formula
from semsynth.norms.inade import INADE
from semsynth.semantics import Reading, Semantics
from semsynth.semantics.packed import Packed
from semsynth.style import Style

K, Z, N = 5, 3, 2


def maps(instances=True):
    labels = F.interpolate(torch.randint(0, K, (N, 1, 3, 2)).float(), (32, 24)).long()[:, 0]
    ids = F.interpolate(torch.randint(40, 44, (N, 1, 4, 4)).float(), (32, 24)).long()[:, 0]
    return Semantics(labels, K, instances=ids if instances else None).prepare([Reading(16, 12, {"regions"})])


def made():
    norm = INADE(4, K, noise=Z).double()
    torch.nn.init.normal_(norm.bias)
    return norm


def by_hand(norm, x, full, style):
    """The published formula at every pixel of the map at half size."""
    picked, out = slice(None, None, 2), torch.empty_like(x)
    normed, regions = F.batch_norm(x, None, None, training=True), full.regions()
    for n in range(N):
        labels, index = full.labels[n, picked, picked], regions.index[n, picked, picked]
        for i in range(labels.shape[0]):
            for j in range(labels.shape[1]):
                k = labels[i, j]
                code = style.instances[n, index[i, j]] if style.classes is None else style.classes[n, k]
                scale, shift = norm.project(code[:Z]), norm.project(code[Z:])
                gamma = norm.weight[k, :, 0] * scale + norm.bias[k, :, 0]
                out[n, :, i, j] = normed[n, :, i, j] * gamma + norm.weight[k, :, 1] * shift + norm.bias[k, :, 1]
    return out


@pytest.mark.parametrize("codes", ["instances", "classes"])
@pytest.mark.parametrize("instances", [True, False])
def test_equals_the_formula_at_every_pixel(instances, codes, monkeypatch):
    full, norm = maps(instances), made()
    count = K if codes == "classes" else full.regions().classes.shape[1] + 2  # more are drawn than there are
    style = Style(**{codes: torch.randn(N, count, 2 * Z).double()})
    x = torch.randn(N, 4, 16, 12).double().to(memory_format=torch.channels_last).requires_grad_()
    expected = by_hand(norm, x, full, style)
    weights = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * weights).sum(), (x, *norm.parameters()))
    for elements, plain in ((1, False), (2 ** 40, False), (1, True)):
        monkeypatch.setattr(base_module, "FUSED_ELEMENTS", elements)
        own = copy.deepcopy(norm)
        if plain:
            with plain_formula():
                out = own(x, full, style)
        else:
            with monkeypatch.context() as context:
                context.setattr(own, "modulation", None)
                out = own(x, full, style)
        assert_close(out, expected)
        for a, b in zip(torch.autograd.grad((out * weights).sum(), (x, *own.parameters())), wanted, strict=True):
            assert_close(a, b)


def test_what_was_prepared_travels():
    full = maps()
    there = Packed.of(full).unpacked()
    assert_close(there.at(16, 12).by_region().index, full.at(16, 12).by_region().index)
    assert there.at(16, 12).by_region().pieces is not None
    without = maps()
    without.instances = None  # as loaders hand it over where the numbers are made already
    assert torch.equal(without.regions().classes, without._regions.classes)
    twice = full.at(16, 12).repeat(2)
    assert torch.equal(twice.by_region().index[:N * 192], full.at(16, 12).by_region().index)


def test_codes_of_other_label_maps_are_refused():
    full, norm = maps(), made()
    few = full.regions().classes.shape[1] - 1
    x = torch.randn(N, 4, 16, 12).double()
    with pytest.raises(ValueError, match=f"codes for {few} instances"):
        norm(x, full, Style(instances=torch.zeros(N, few, 2 * Z).double()))
    with pytest.raises(ValueError, match=rf"instances=\(N,I,{2 * Z}\)"):
        norm(x, full, Style(vector=torch.zeros(N, 8)))
