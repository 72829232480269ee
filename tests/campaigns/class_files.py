"""classes.yaml: what people write wrongly, and what is written to harm."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import yaml

from campaigns.folders import CLASSES
from campaigns.outcomes import Case
from semsynth.data.classes import ClassTable, load_classes

KIND = "class files"
VALUES = [None, -1, 0, 300, 10**9, 10**30, 1.5, float("nan"), float("inf"), "", "foo", "no", "x" * 100_000, [], {},
          True, [1, 2],
          [1, 2, 3, 4], [0, 0, 256], [0.5, 0, 0], ["a", "b", "c"], {"a": {"b": 1}}, [[[]]], "a\nb", "a\0b",
          "${oc.env:HOME}", "[bold]", "é", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")]
LAUGHS = "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True))])

# Files as a whole: (what, text or bytes, whether they must be refused)
WHOLE: list[tuple[str, str | bytes, bool]] = [
    ("empty", "", True), ("no YAML", "classes: [", True), ("a list", "- a\n- b\n", True), ("a word", "classes", True),
    ("UTF-16", "classes: [a, b]".encode("utf-16"), True), ("Latin-1", "classes: [Fußweg]".encode("latin-1"), True),
    ("a byte order mark", "\ufeffclasses: [a, b]", False), ("Windows lines", "classes:\r\n- a\r\n- b\r\n", False),
    ("tabs", "classes:\n\t- a\n", True), ("two documents", "classes: [a]\n---\nclasses: [b]\n", True),
    ("nested aliases", f"{LAUGHS}\nclasses: *i\n", True),
    ("aliases of colours", "classes:\n- {name: a, colour: &c [1, 2, 3]}\n- {name: b, colour: *c}\n", False),
    ("an alias of itself", "classes: &a [*a]\n", True),
    ("an alias", "classes:\n- &a {name: x}\n- *a\n", True), ("merged", "classes:\n- &a {name: x}\n- <<: *a\n", True),
    ("deep lists", f"classes: {'[' * 50_000}{']' * 50_000}\n", True), ("deep open lists", "[" * 100_000, True),
    ("deep mappings", "".join(f"{' ' * depth}a:\n" for depth in range(900)), True),
    ("10 MB", "classes:\n" + "".join(f"- {{name: class {n}, colour: [1, 2, 3]}}\n" for n in range(250_000)), True),
    ("10 MB of one name", f"classes: [{'x' * 10_000_000}]\n", True),
    ("3 MB of one name", f"classes: [{'x' * 3_000_000}]\n", True),
    ("Python's objects", "classes: !!python/object/apply:os.system ['true']\n", True),
    ("a tag", "classes: !foo [a]\n", True), ("binary", "classes: [!!binary aGVsbG8=]\n", True),
    ("a set", "classes: !!set {a, b}\n", True), ("a date", "classes: [2024-99-99]\n", True),
    ("a number of 5000 digits", f"classes: [{'1' * 5000}]\n", True),
    ("keys twice", "classes: [a]\nclasses: [b]\n", False), ("a list as a key", "classes: [{[1]: 2}]\n", True),
    ("2,700 classes", "classes:\n" + "".join(f"- class {n}\n" for n in range(2700)), False),
    ("70,000 classes", "classes:\n" + "".join(f"- c{n}\n" for n in range(70_000)), True),
    ("control characters", "classes: ['a\x07']\n", True),
]


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """A whole file, a file with one value changed, or one whose bytes are changed."""
    for index in count():
        root = folder / str(index)
        root.mkdir()
        choice = random.random()
        right: object = lambda table: wrong_with(table)  # noqa: E731
        if choice < 0.4:
            name, text, refused = WHOLE[int(random.integers(len(WHOLE)))]
            right = "refused" if refused else right
        elif choice < 0.8:
            name, text, refused = with_value(random)
            right = "refused" if refused else right
        else:
            name, changed = "changed bytes", bytearray(yaml.safe_dump({"classes": CLASSES}).encode())
            for at in random.integers(len(changed), size=int(random.integers(1, 6))):
                changed[at] = int(random.integers(256))
            text = bytes(changed)
        (root / "classes.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        yield Case(f"{index}: {name}", reader(root), right)  # type: ignore[arg-type]


def with_value(random: np.random.Generator) -> tuple[str, str, bool]:
    """A file with one value that may be wrong; whether it must be refused."""
    rows = [dict(row) for row in CLASSES]
    content: dict[str, object] = {"classes": rows}
    value = VALUES[int(random.integers(len(VALUES)))]
    key = str(random.choice(["name", "colour", "id", "unknown", "masks", "classes", "other"]))
    if key in ("name", "colour", "id"):
        rows[int(random.integers(3))][key] = value
    else:
        content[key] = value
    takes = {"name": isinstance(value, str | int | float) and not isinstance(value, bool), "id": type(value) is int,
             "unknown": value is None, "classes": isinstance(value, list) and value != [], "colour": False,
             "masks": False, "other": False}
    words = repr(value)
    return f"{key}: {words[:60]}", yaml.safe_dump(content, allow_unicode=True), not takes[key]


def reader(root: Path) -> Callable[[], ClassTable]:
    return lambda: load_classes(root)


def wrong_with(table: object) -> str | None:
    """What is wrong with classes that were accepted."""
    if not isinstance(table, ClassTable) or not table.names:
        return f"no classes: {table}"
    if not all(isinstance(name, str) and name.isprintable() and name for name in table.names):
        return f"names: {table.names[:3]!r}"
    if len({len(table.names), len(table.colours), len(table.ids), len(set(table.names)), len(set(table.ids))}) != 1:
        return "counts differ"
    if not all(len(colour) == 3 and all(0 <= part <= 255 for part in colour) for colour in table.colours):
        return "colours"
    return None if all(0 <= label < 2**24 for label in table.ids) else "ids"
