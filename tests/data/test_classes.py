"""classes.yaml as people write it."""

import pytest

from semsynth.data.classes import load_classes
from semsynth.errors import DataError


@pytest.mark.parametrize(("text", "message"), [
    ("unkown: void\nclasses: [sky, void]", r"unkown: it takes classes, masks, unknown and nothing else"),
    ("classes: [sky, no]", r"class 1: a name is a word, got False; .* in quotes alone"),
    ("classes:\n  - {name: off}\n  - sky", r"class 0: a name is a word, got False"),
    ("classes: [~]", r"class 0: a name is a word, got None"),
    ("classes: [[sky, road]]", r"class 0: a name is a word, got \['sky', 'road'\]"),
    ("classes:\n  - {nam: sky}", r"class 0: expected name, colour"),
    ("classes: {sky: 0}", r"expected a list under `classes:`"),
    ("classes:\n\t- sky", r"not valid yaml"),
])
def test_what_is_refused(text, message, tmp_path):
    (tmp_path / "classes.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        load_classes(tmp_path)


def test_other_encodings(tmp_path):
    (tmp_path / "classes.yaml").write_bytes("classes: [Häuser]".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8 .* save it in that encoding"):
        load_classes(tmp_path)


def test_numbers_are_names(tmp_path):
    (tmp_path / "classes.yaml").write_text("classes: [7, 'no', {name: 2.5}]")
    assert load_classes(tmp_path).names == ["7", "no", "2.5"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: there is no such folder: dataset\.root=DIR"):
        load_classes(tmp_path / "nowhere")
