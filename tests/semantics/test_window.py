"""A window of label maps holds what the whole maps hold there."""

import torch

from semsynth.semantics import Reading, Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.window import Box, window


def test_a_window_is_that_part_of_everything():
    labels, instances = torch.randint(3, (2, 24, 32)), torch.randint(4, (2, 24, 32))
    soft = torch.rand(2, 3, 24, 32)
    sem = Semantics(labels, 3, instance_edges(instances), torch.rand(2, 2, 24, 32), soft, instances)
    sem.prepare([Reading(12, 16, {"regions"})])
    box = Box(2, 10, 5, 16)
    part = window(sem.at(12, 16), box)
    assert part.size == (8, 11)
    assert torch.equal(part.labels, labels[:, 4:20:2, 10::2])
    assert torch.equal(part.edges, sem.edges[..., 4:20:2, 10::2])  # whole instances have other borders than parts
    assert torch.equal(part.offsets, sem.offsets[..., 4:20:2, 10::2])
    assert torch.equal(part.probabilities, soft[..., 4:20:2, 10::2])
    part.prepare([Reading(8, 11, {"regions"})])
    numbers, whole = part.by_region(), sem.at(12, 16).by_region()
    assert len(numbers) == len(whole)  # codes by instance are those of the whole map
    assert torch.equal(numbers.index.view(2, 8, 11), box.of(whole.index.view(2, 12, 16)))
