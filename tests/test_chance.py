"""No two uses of chance share a stream."""

import ast
from functools import cache
from itertools import combinations, product
from pathlib import Path

import numpy as np

from semsynth.chance import seeds, stream

SOURCE = Path(__file__).parents[1] / "src" / "semsynth"
# data sets and textures that are defined by their keys, see the comments there
# and the crop and flip, whose one number comes from `seeds`
OWN_KEYS = {"data/scenes/dataset.py", "data/scenes/textures.py", "data/joint.py"}


@cache
def all_calls():
    """(file, call) of every call in the package."""
    return [(str(path.relative_to(SOURCE)), node) for path in sorted(SOURCE.rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def calls(name):
    """(file, call) of every call of a function of this name in the package."""
    return [(path, node) for path, node in all_calls()
            if name == getattr(node.func, "id", getattr(node.func, "attr", None))]


def uses():
    """Names of all uses of chance in the package."""
    found = [call.args[0] for name in ("seeds", "stream", "seed_all") for _, call in calls(name)
             if call.args]  # and not a request's stream()
    return [node.value for node in found if isinstance(node, ast.Constant)]


def test_all_streams_of_small_keys_differ():
    keys = [(use, *numbers) for use in uses() for count in range(5) for numbers in product((0, 1), repeat=count)]
    keys += [(use, 2**32, *rest) for use in uses() for rest in ((), (0,))]
    states = {tuple(seeds(*key).generate_state(4)): key for key in keys}
    # the scenes, whose keys are not hashes
    scenes = [[seed, split, number] for seed, split, number in product(range(5), (0, 1), range(50))]
    states |= {tuple(np.random.SeedSequence(key).generate_state(4)): tuple(key) for key in scenes}
    assert len(states) == len(keys) + len(scenes)


def test_zeros_at_the_end_and_words_of_large_numbers_count():
    key = (0,), (0, 0), (0, 0, 0), (2**32,), (0, 1), (2**32, 0), (-1,), (2**32 - 1,)
    for one, other in combinations(key, 2):
        assert stream("a test", *one).random() != stream("a test", *other).random()
    assert stream("a test", 1, 2).random() == stream("a test", 1, 2).random() != stream("another", 1, 2).random()


def test_streams_of_neighbouring_keys_are_independent():
    """Each starts with numbers of U(0,1): mean 1/2, deviation 1/sqrt(12), no correlation from one key to the next."""
    drawn = np.array([stream("a test", 0, epoch).random() for epoch in range(4000)])
    assert abs(drawn.mean() - 0.5) < 4 * 12**-0.5 / 4000**0.5
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 4 / 4000**0.5


def test_every_use_has_a_name_of_its_own():
    names = uses()
    assert len(names) == len(set(names)) >= 12


def test_no_other_keys_of_several_numbers():
    """`default_rng([s, e])` equals `default_rng([s, e, 0])`: only `chance.py` makes keys."""
    for name in ("default_rng", "SeedSequence"):
        found = {path for path, _ in calls(name)} - OWN_KEYS
        assert found == {"chance.py"}, f"{name} in {found}: use semsynth.chance"
