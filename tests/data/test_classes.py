"""classes.yaml as people write it."""

import pytest
import yaml

from semsynth.data.classes import load_classes
from semsynth.errors import DataError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True))


@pytest.mark.parametrize(("text", "message"), [
    ("unkown: void\nclasses: [sky, void]", r"unkown: it takes classes, masks, unknown and nothing else"),
    ("classes: [sky, no]", r"class 1: a name is a word, got False; .* in quotes alone"),
    ("classes:\n  - {name: off}\n  - sky", r"class 0: a name is a word, got False"),
    ("classes: [~]", r"class 0: a name is a word, got None"),
    ("classes: [[sky, road]]", r"class 0: a name is a word, got \['sky', 'road'\]"),
    ("classes:\n  - {nam: sky}", r"class 0: expected name, colour"),
    ("classes: {sky: 0}", r"expected a list under `classes:`"),
    ("classes:\n\t- sky", r"classes.yaml cannot be read: .* cannot start any token, line 2"),
    ("classes: ['${oc.env:HOME}', sky]", r"class 0: \$\{oc\.env:HOME\} is no name: \$\{ begins a reference"),
    ("classes: [sky, '???']", r"class 1: .* stands for a value that is missing"),
    ('classes: ["sky\\nroad"]', r"class 0: .* cannot be printed in a line"), ("classes: [' ']", "it is empty"),
    (f"classes: {'[' * 3000}{']' * 3000}", r"lie too deep"),
    ("classes: [" + "x" * 4_200_000 + "]", r"larger than 4 MiB"),
    (LAUGHS, r"aliases stand for too many values"), ("classes: &a [*a]", r"aliases stand for too many values"),
    ("classes: [2024-99-99]", r"takes for a number or a date, and is none"),
    ("classes: [" + "1" * 5000 + "]", r"a number of more than 100 digits"),
    ("classes: [{name: sky, id: 1000000000}]", r"class 0: an id is an integer from 0 to 16777215, got 1000000000"),
    ("classes: [" + "y" * 100_000 + "]", r"y+\.\.\. is no name: it is longer than 200 characters"),
    ("classes:\n" + "- a\n" * 65_537, r"65537 classes, more than masks can tell"),
])
def test_what_is_refused(text, message, tmp_path):
    (tmp_path / "classes.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        load_classes(tmp_path)


def test_other_encodings(tmp_path):
    (tmp_path / "classes.yaml").write_bytes("classes: [Häuser]".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8 .* save it in that encoding"):
        load_classes(tmp_path)


def test_values_that_are_written_once_and_named_again(tmp_path):
    """As PyYAML writes a value that a program uses twice."""
    colour = [1, 2, 3]
    text = yaml.safe_dump({"classes": [{"name": "a", "colour": colour}, {"name": "b", "colour": colour}]})
    assert "*id001" in text
    (tmp_path / "classes.yaml").write_text(text)
    assert load_classes(tmp_path).colours == [colour, colour]


def test_numbers_are_names(tmp_path):
    (tmp_path / "classes.yaml").write_text("classes: [7, 'no', {name: 2.5}]")
    assert load_classes(tmp_path).names == ["7", "no", "2.5"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: there is no such folder: dataset\.root=DIR"):
        load_classes(tmp_path / "nowhere")
