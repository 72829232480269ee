"""Every kind of mutated inputs, cut down: the same cases as the first of `make campaign`, each answered rightly."""

import numpy as np
import pytest

from campaigns import masks
from campaigns.campaign import kinds, outcomes

COUNTS = {"masks": 30, "images": 30, "class files": 30}  # cases of milliseconds; of others there are fewer
USUAL = 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds())
def test_mutated_inputs_are_answered_rightly(kind):
    found = outcomes(kinds()[kind], COUNTS.get(kind, USUAL), seed=0)
    assert [outcome for outcome in found if outcome.result != "right"] == []


def test_a_seed_makes_the_same_cases_again(tmp_path):
    def names(folder, seed):
        folder.mkdir()
        made = masks.cases(np.random.default_rng(seed), folder)
        return [next(made).name for _ in range(20)]

    assert names(tmp_path / "a", 1) == names(tmp_path / "b", 1) != names(tmp_path / "c", 2)
