import random

import numpy as np
import torch

from semsynth.training.seeding import seed_all


def draws(*keys):
    seed_all("a test", *keys)
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), [random.random()]


def test_the_same_keys_draw_the_same():
    assert draws(0, 1, 2) == draws(0, 1, 2)


def test_every_key_counts():
    seen = [draws(*keys) for keys in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    for part in range(3):
        assert len({tuple(draw[part]) for draw in seen}) == 4
