"""YAML of strangers: plain values within bounds, or words."""

import time

import pytest

from semsynth.documents import LARGEST, parse_yaml, read_yaml
from semsynth.errors import DocumentError


def aliases(levels):
    """A text of a few lines that comes to 9 ** levels values."""
    lines = ["a0: &a0 [x]"] + [f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]" for n in range(levels)]
    return "\n".join(lines)


def test_plain_values():
    found = parse_yaml("a: {b: [1, 0.5, yes, ~, 'no']}\nc: &c {d: 1}\ne: *c")
    assert found == {"a": {"b": [1, 0.5, True, None, "no"]}, "c": {"d": 1}, "e": {"d": 1}}
    assert parse_yaml(aliases(3))["a3"][8][8][8] == ["x"]
    assert parse_yaml("") is None


@pytest.mark.parametrize(("text", "words"), [
    (aliases(9), "aliases stand for too many"), ("a: &a [*a]", "aliases stand for too many"),
    ("[" * 100_000, "too deep"), ("{a: " * 70 + "1" + "}" * 70, "too deep"),
    ("a: 1\nb: {c: 1, c: 2}", "the key c stands twice, line 2"), ("a: 1\na: 2", "the key a stands twice, line 1"),
    ("!!python/object/apply:os.system [ls]", "constructor"), ("a: 1\n---\nb: 2", "another document"),
    ("a: 2026-02-31", "day is out of range"), ("a: [1", "line"), ("\0", "control characters"),
    ("? {a: 1}\n: 2", "unhashable"), ("9" * 10_000, "more than 100 digits"), ("a: *b", "undefined alias"),
    ("a: !!bool x", "a number or a date, and is none"), ("a: !!timestamp x", "a number or a date, and is none"),
    ("a: !!int ''", "a number or a date, and is none"), ("a: !!float ''", "a number or a date, and is none"),
    ("a: " + ":".join("1" * 200_000), "more than 100 digits"), ("a: 1" + ":1" * 400 + ".0", "more than 100 digits"),
    ("\n".join(f"k{n}: 1" for n in range(40_000)) + "\nk39999: 1", "the key k39999 stands twice"),
])
def test_what_is_none_is_said_in_a_moment(text, words):
    begun = time.process_time()
    with pytest.raises(DocumentError, match=words) as caught:
        parse_yaml(text)
    assert len(str(caught.value)) < 300
    assert time.process_time() - begun < 10


def test_files_that_are_none(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff")
    with pytest.raises(DocumentError, match="not UTF-8"):
        read_yaml(path)
    path.write_text("#" * (LARGEST + 1))
    with pytest.raises(DocumentError, match="larger than 4 MiB"):
        read_yaml(path)
    for other in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DocumentError, match="no regular file"):
            read_yaml(other)
