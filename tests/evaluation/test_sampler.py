"""Numbers that styles of scores are made of."""

import torch

from semsynth.evaluation.sampler import noise

POSITIONS = torch.tensor([3, 8])


def test_numbers_follow_the_position_in_whatever_batch():
    both = noise(1, POSITIONS)((2, 4, 5))
    assert both.shape == (2, 4, 5)
    assert noise(1, POSITIONS[1:])((1, 4, 5))[0].equal(both[1])
    assert noise(1, POSITIONS)((2, 10)).equal(both.flatten(1)[:, :10])
    assert not noise(2, POSITIONS)((2, 4, 5)).equal(both)
    assert not noise(1, POSITIONS, sample=1)((2, 4, 5)).equal(both)


def test_what_is_asked_for_next_is_other_noise():
    normal = noise(1, POSITIONS)
    first, second = normal((2, 6)), normal((2, 6))
    assert first.equal(noise(1, POSITIONS)((2, 6)))
    assert not (first == second).any()
