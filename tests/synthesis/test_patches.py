"""Patches of label maps as instances of their own."""

import numpy as np
import torch

from semsynth.semantics.edges import instance_edges
from semsynth.style import Style
from semsynth.synthesis.patches import Patch, numbered

STYLE = Style(classes=torch.zeros(1, 4, 2))


def patch(*place, label):
    return Patch(place, label, STYLE)


def test_each_patch_has_its_number_and_the_rest_that_of_its_class():
    labels = np.array([[1, 1, 2, 1],
                       [0, 0, 2, 2],
                       [1, 0, 0, 2],
                       [1, 1, 2, 2]])
    things = numbered(labels, [patch(0, 0, label=1), patch(2, 0, label=1), patch(3, 1, label=1), patch(1, 3, label=2)])
    own = things.max() + 1 + np.arange(4)
    expected = np.where(labels == 0, 0, own[0])  # all of label 2 are one, here
    expected[0, :2], expected[0, 3], expected[2:, 0], expected[3, 1] = own[1], 1, own[2], own[2]
    pairs = np.stack([things.ravel(), expected.ravel()], 1)
    assert len(np.unique(pairs, axis=0)) == len(np.unique(things)) == len(np.unique(expected)) == 5
    assert (things[labels == 0] == 0).all()
    assert things[0, 3] == 1


def test_numbers_make_no_edges():
    """Pictures of networks that read edges change by nothing but the style."""
    labels = np.random.default_rng(0).integers(0, 3, (16, 16))
    patches = [Patch((row, column), int(labels[row, column]), STYLE) for row in range(0, 16, 3) for column in (1, 8)]
    things = numbered(labels, patches)
    assert len(np.unique(things)) > 6
    edges = (instance_edges(torch.from_numpy(ids)[None]) for ids in (labels, things))
    assert torch.equal(*edges)
