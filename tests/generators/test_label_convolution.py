import copy

import pytest
import torch
from torch.testing import assert_close

from semsynth.generators.label_convolution import LabelConv2d
from semsynth.layers.init import spectral_norm
from semsynth.norms.base import plain_formula
from semsynth.semantics import Reading, Semantics

K, SIDE = 4, 32


def label_maps(edges):
    labels = torch.randint(0, K, (2, 4, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    columns = torch.zeros(2, 1, SIDE, SIDE).index_fill(3, torch.tensor([5, 20]), 1)
    return Semantics(labels, K, columns if edges else None)


@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize("features", [0, 3])
@pytest.mark.parametrize("edges", [False, True])
def test_tables_equal_the_convolution(edges, features, normed):
    """Values and gradients of weights, bias and features; at the border, too."""
    layer = LabelConv2d(K, 6, edges=edges, features=features, bias=not normed).double()
    layer = spectral_norm(layer).eval() if normed else layer
    maps = label_maps(edges)
    view = maps.prepare([Reading(SIDE, SIDE, layer.needs)])
    assert view.patches(edges=edges) is not None
    more = torch.randn(2, features, SIDE, SIDE).double() if features else None
    weigh = torch.linspace(-1, 1, 2 * 6 * SIDE * SIDE).double().view(2, 6, SIDE, SIDE)
    found = []
    for plain in (False, True):
        network, x = copy.deepcopy(layer), None if more is None else more.clone().requires_grad_()
        if plain:
            with plain_formula():
                out = network(view, x)
        else:
            out = network(view, x)
        (out * weigh).sum().backward()
        found.append([out, *([] if x is None else [x.grad]), *(p.grad for p in network.parameters())])
    for fast, expected in zip(*found, strict=True):
        assert_close(fast, expected, rtol=1e-9, atol=1e-9)


def test_label_maps_that_were_not_prepared_and_soft_ones():
    layer, maps = LabelConv2d(K, 3), label_maps(False)
    prepared = layer(label_maps(False).prepare([Reading(SIDE, SIDE, layer.needs)]))
    assert prepared.shape == layer(maps).shape
    soft = torch.rand(1, K, 8, 8).softmax(1).requires_grad_()
    layer(Semantics.from_probabilities(soft).prepare([Reading(8, 8, layer.needs)])).sum().backward()
    assert soft.grad.abs().sum() > 0
