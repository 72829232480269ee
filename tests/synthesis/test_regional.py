"""Styles in which one class, or one instance, looks as in another one."""

import pytest
import torch

from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Style
from semsynth.synthesis.regional import at_instances, counterparts, with_class

LABELS = torch.zeros(2, 32, 32, dtype=torch.int64)
LABELS[0, 16:] = 1
LABELS[1, :, 16:] = 2


def test_only_the_class_changes():
    semantics = Semantics(LABELS, 3)
    one, two = (Style(classes=torch.full((2, 3, 4), float(k))) for k in (0, 1))
    assert with_class(one, two, 1, semantics).classes.sum(-1).tolist() == [[0, 4, 0]] * 2
    instances = torch.arange(32)[None, :, None].expand(2, 32, 32) // 8  # four bands
    semantics = Semantics(LABELS, 3, instances=instances)  # picture 0: 2 of class 0, 2 of class 1; picture 1: 4 and 4
    one, two = (Style(instances=torch.full((2, 8, 4), float(k)), vector=torch.full((2, 1), float(k))) for k in (0, 1))
    changed = with_class(one, two, 1, semantics)
    assert changed.instances[..., 0].tolist() == [[0, 0, 1, 1, 0, 0, 0, 0], [0] * 8]
    assert changed.vector.sum() == 0
    one, two = (Style(noise=torch.full((2, 1, 16, 16), float(k))) for k in (0, 1))
    assert with_class(one, two, 2, semantics).noise[1, 0].mean(0).tolist() == [0] * 8 + [1] * 8
    assert with_class(Style(vector=torch.zeros(2, 4)), Style(vector=torch.ones(2, 4)), 0, semantics) is None


def test_the_largest_looks_like_the_largest():
    mine = Regions(torch.zeros(1, 1, 1), torch.tensor([[0, 1, 1, 1, 2]]), torch.tensor([[9, 2, 7, 3, 1]]))
    others = Regions(torch.zeros(1, 1, 1), torch.tensor([[1, 1, 2, -1]]), torch.tensor([[4, 8, 1, 0]]))
    assert counterparts(mine, others).tolist() == [[-1, 1, 1, 0, 2]]  # of three two are there, the third begins anew
    assert counterparts(mine, mine).tolist() == [[0, 1, 2, 3, 4]]
    style = Style(instances=torch.tensor([[[10.0], [11.0], [12.0], [13.0]]]))
    drawn = Style(instances=torch.full((1, 5, 1), 5.0))
    assert at_instances(style, others, mine, drawn).instances.flatten().tolist() == [5, 11, 11, 10, 12]
    assert at_instances(style, others, mine).instances.flatten().tolist() == [0, 11, 11, 10, 12]


def test_one_instance_changes():
    one, two = (Style(instances=torch.full((2, 3, 4), float(k)), vector=torch.full((2, 1), float(k))) for k in (0, 1))
    changed = one.with_instance(1, two)
    assert changed.instances[..., 0].tolist() == [[0, 1, 0]] * 2
    assert changed.vector.sum() == one.instances.sum() == 0
    two.instances[:, 2] = 5
    assert one.with_instance(0, two, source=2).instances[..., 0].tolist() == [[5, 0, 0]] * 2
    with pytest.raises(ValueError, match="there is no instance 3: the style has codes of 3"):
        one.with_instance(3, two)
    with pytest.raises(ValueError, match="codes by instance"):
        one.with_instance(0, Style(vector=torch.zeros(2, 1)))
