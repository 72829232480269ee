"""What a recipe's file holds."""

import pytest
import torch

from semsynth.style import Style
from semsynth.synthesis.described import described
from semsynth.synthesis.recipe import Recipe, read_recipe

CODES = described(Style(vector=torch.ones(1, 3)))


@pytest.mark.parametrize("style", [
    None, {"seed": 2**63 - 1}, CODES, {"between": [CODES, {"seed": 1}], "share": 1e-05},
    {"between": [{"seed": 1}, {"seed": 2}], "share": 1.5e-07}, {"between": [{"seed": 1}, {"seed": 2}], "share": 1},
    {"base": CODES, "classes": {"3": {"seed": 1}}},
    {"base": CODES, "classes": {"3": {"seed": 1}}, "instances": [{"at": [2, 3], "class": 3, "style": {"seed": 2}}]},
    {"base": CODES, "instances": []},
])
def test_it_is_read_as_it_was_written(style, tmp_path):
    recipe = Recipe(style, "0" * 64)
    (tmp_path / "recipe.yaml").write_text(recipe.text(["python synthesize.py run=x"]))
    found = read_recipe(tmp_path / "recipe.yaml")
    assert (found.style, found.checkpoint) == (recipe.style, recipe.checkpoint)


@pytest.mark.parametrize("style", [
    {"seed": 1}, CODES, {"between": [{"seed": 1}, CODES], "share": 0.5}, {"base": CODES, "classes": {"3": {"seed": 1}}},
    {"base": CODES, "instances": [{"at": [2, 3], "class": 3, "style": {"seed": 2}}]},
])
def test_what_nobody_reads_is_left_out(style):
    def stuffed(words):
        if isinstance(words, list):
            return [stuffed(word) for word in words]
        if not isinstance(words, dict):
            return words
        more = {} if words.keys() & {"3", "vector"} else {"name": 1000 * "é"}
        return {key: stuffed(word) for key, word in words.items()} | more

    assert Recipe(stuffed(style)).text([]) == Recipe(style).text([])
