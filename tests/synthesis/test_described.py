"""Styles in plain words: exact, and refused where they do not fit."""

import json

import pytest
import torch

from semsynth.errors import StyleError
from semsynth.style import Style
from semsynth.synthesis.described import described, patches_of_words, style_of_words
from semsynth.synthesis.styles import mixed, walk

K, Z = 4, 6


def by_picture(seed):
    return Style(vector=torch.randn(1, Z, generator=torch.Generator().manual_seed(seed)))


def by_class(seed):
    numbers = torch.Generator().manual_seed(seed)
    return Style(vector=torch.randn(1, Z, generator=numbers), classes=torch.randn(1, K, Z, generator=numbers),
                 noise=torch.randn(1, 2, 3, 3, generator=numbers))


def assert_same(style, other):
    assert style.codes().keys() == other.codes().keys()
    assert all(torch.equal(code, other.codes()[name]) for name, code in style.codes().items())


@pytest.mark.parametrize("draw", [by_picture, by_class])
def test_codes_come_back_to_the_bit(draw):
    style = draw(3).map(lambda code: code * 1e-30 + 1 / 3)
    words = json.loads(json.dumps(described(style)))
    got = style_of_words(words, draw)
    assert "noise" not in got.codes()
    assert all(torch.equal(code, style.codes()[name]) for name, code in got.codes().items())


def test_instances_are_said_of_a_whole_style_alone():
    one = [{"at": [0, 0], "class": 1, "style": {"seed": 2}}]
    whole = {"base": {"seed": 1}, "instances": one}
    assert_same(style_of_words(whole, by_class), by_class(1))
    (patch,) = patches_of_words(whole, by_class)
    assert (patch.place, patch.label) == ((0, 0), 1)
    assert_same(patch.style, by_class(2))
    for within in ({"base": whole, "classes": {}}, {"between": [whole, whole], "share": 0.5}):
        with pytest.raises(StyleError, match="only a whole style"):
            style_of_words(within, by_class)
    with pytest.raises(StyleError, match="only a whole style"):
        patches_of_words({"base": {"seed": 1}, "instances": [{**one[0], "style": whole}]}, by_class)


def test_a_seed_is_what_the_network_draws():
    assert_same(style_of_words({"seed": 5}, by_class), by_class(5))


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_between_is_a_step_of_the_walk(share):
    ends = [by_picture(1), by_picture(2)]
    way = walk(Style(vector=torch.cat([end.vector for end in ends])), 5)
    got = style_of_words({"between": [{"seed": 1}, {"seed": 2}], "share": share}, by_picture)
    assert torch.equal(got.vector, way.vector[round(4 * share)][None])


def test_what_one_end_lacks_is_the_others():
    encoded = Style(classes=torch.ones(1, K, Z))
    for ends in ((encoded, by_class(1)), (by_class(1), encoded)):
        got = mixed(*ends, 0.5)
        assert torch.equal(got.noise, by_class(1).noise)
        assert torch.equal(got.vector, by_class(1).vector)


def test_classes_look_as_in_other_styles():
    words = {"base": {"seed": 1}, "classes": {"2": {"seed": 9}, 0: described(by_class(4))}}
    got, base = style_of_words(words, by_class), by_class(1)
    assert torch.equal(got.classes[:, 2], by_class(9).classes[:, 2])
    assert torch.equal(got.classes[:, 0], by_class(4).classes[:, 0])
    assert torch.equal(got.classes[:, [1, 3]], base.classes[:, [1, 3]])
    assert torch.equal(got.noise, base.noise)


@pytest.mark.parametrize(("words", "told"), [
    (7, "a style is a table"), ({}, "one of seed"), ({"seed": 1.5}, "whole number"), ({"seed": [[]]}, "a list"),
    ({"codes": []}, "vector, classes"), ({"codes": {"vector": {"shape": [6], "data": ""}}}, r"\[1, 6\]"),
    ({"codes": {"vector": {"shape": [1, 6], "data": "?"}}}, "base64"),
    ({"codes": {"vector": {"shape": [1, 6], "data": ["AA"]}}}, "base64"),
    ({"codes": {"noise": {}}}, "codes by name"), ({"between": [{"seed": 1}, {}], "share": 0.1}, "one of seed"),
    ({"between": [{"seed": 1}, {"seed": 2}]}, "share"), ({"base": {"seed": 1}}, "by the numbers"),
    ({"base": {"seed": 1}, "classes": {"4": {"seed": 1}}}, "no class from 0 to 3"),
    ({"base": {"seed": 1}, "classes": {"-1": {"seed": 1}}}, "no class"),
    ({"base": {"seed": 1}, "classes": {"²": {"seed": 1}}}, "no class"),
])
def test_what_is_no_style(words, told):
    with pytest.raises(StyleError, match=told):
        style_of_words(words, by_class)


def test_a_tree_of_styles_has_an_end():
    def tree(depth, keys):
        if not depth:
            return {"seed": 1}
        return {"base": {"seed": 1}, "classes": {key: tree(depth - 1, keys) for key in keys}}

    assert style_of_words(tree(4, ["0", "1"]), by_class)
    with pytest.raises(StyleError, match="no more than 1024"):
        style_of_words(tree(4, ["0", "1", "2", "3", "00", "01", "02", "03"]), by_class)
    with pytest.raises(StyleError, match="no deeper than 4"):
        style_of_words(tree(5, ["0"]), by_class)


def test_pictures_without_codes_by_class_stay_whole():
    with pytest.raises(StyleError, match="whole pictures"):
        style_of_words({"base": {"seed": 1}, "classes": {"0": {"seed": 2}}}, by_picture)
