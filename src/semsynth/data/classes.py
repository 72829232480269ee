"""classes.yaml: the names, colours and file ids of the classes of one's own data."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from semsynth.class_names import fault_of
from semsynth.data.masks import DONT_CARE
from semsynth.data.palette import generated_palette
from semsynth.documents import read_yaml
from semsynth.errors import DataError, DocumentError

Masks = Literal["auto", "ids", "colours"]

KEYS = {"classes", "unknown", "masks"}
MOST = 65536  # classes, as masks of 16 bits can tell
LARGEST = 2**24 - 1  # id: any colour as a number

EXAMPLE = """  classes:
  - {name: sky, colour: [70, 130, 180]}
  - {name: road, colour: [128, 64, 128]}
A class may also have `id: N`, the id that stands for it in the masks; otherwise that is its place, from 0. Beside
`classes:`, `unknown: NAME` names the class of pixels that belong to none, which 255 then stands for as well, and
`masks: ids` or `masks: colours` says what tells the classes in the masks; otherwise the masks themselves."""


@dataclass(frozen=True)
class ClassTable:
    """The classes in order: names, colours (red, green, blue; 0..255), and the ids that stand for them in masks.

    `masks` says whether ids or colours tell the classes in the masks, `auto` where that is not stated. `unknown` is the
    place of the class of pixels that belong to none, or None.
    """

    names: list[str]
    colours: list[list[int]]
    ids: list[int]
    masks: Masks = "auto"
    unknown: int | None = None

    @property
    def undeclared_void(self) -> str | None:
        """The class that 255 stands for where it is no unknown class; None where only 0 and 255 tell two classes."""
        suspect = self.unknown is None and DONT_CARE in self.ids and sorted(self.ids) != [0, DONT_CARE]
        return self.names[self.ids.index(DONT_CARE)] if suspect else None


def load_classes(root: str | os.PathLike[str]) -> ClassTable:
    """Read ROOT/classes.yaml. Classes without a colour get a generated one.

    Raises:
        DataError: the file is missing, is no valid yaml, or holds something else than classes.
    """
    path = Path(root).expanduser() / "classes.yaml"
    if not path.parent.is_dir():
        raise DataError(f"{path.parent.absolute()}: there is no such folder: dataset.root=DIR says where the data lie")
    if not path.is_file():
        raise DataError(
            f"{path.absolute()} is missing: it names the classes of the masks, as in\n{EXAMPLE}\n"
            "`python tools/check_data.py dataset=folder dataset.root=DIR write_classes=true` drafts it from the masks"
        )
    try:
        content = read_yaml(path)
    except DocumentError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    rows = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{path}: expected a list under `classes:`, as in\n{EXAMPLE}")
    if len(rows) > MOST:
        raise DataError(f"{path}: {len(rows)} classes, more than masks can tell ({MOST})")
    if not content.keys() <= KEYS:
        others = shortened(", ".join(sorted(str(key) for key in content.keys() - KEYS)))
        raise DataError(f"{path}: {others}: it takes {', '.join(sorted(KEYS))} and nothing else")
    generated = generated_palette(len(rows))
    names, colours, ids = [], [], []
    for place, row in enumerate(rows):
        row = row if isinstance(row, dict) else {"name": row}
        if "name" not in row or not set(row) <= {"name", "colour", "color", "id"}:
            raise DataError(f"{path}: class {place}: expected name, colour and (if wanted) id, got {shortened(row)}")
        names.append(_name(row["name"], path, place))
        colours.append(_colour(row.get("colour", row.get("color", generated[place])), path, place))
        ids.append(_id(row.get("id", place), path, place))
    for what, values in (("name", names), ("id", [str(label) for label in ids])):
        repeated = sorted(value for value, count in Counter(values).items() if count > 1)
        if repeated:
            raise DataError(f"{path}: the {what} {shortened(', '.join(repeated))} occurs more than once")
    masks: Any = content.get("masks", "auto")
    if masks not in get_args(Masks):
        raise DataError(f"{path}: masks: {shortened(repr(masks))}: write one of {', '.join(get_args(Masks))}")
    return ClassTable(names, colours, ids, masks, _unknown(content.get("unknown"), names, path))


def _unknown(name: Any, names: list[str], path: Path) -> int | None:
    if name is None:
        return None
    if str(name) not in names:
        raise DataError(f"{path}: unknown: {shortened(name)} is no class; it names one of "
                        f"{shortened(', '.join(names))}")
    return names.index(str(name))


def _name(value: Any, path: Path, place: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"{path}: class {place}: a name is a word, got {shortened(value)}; yes, no, on, off, null and "
                        "~ have a meaning of their own in yaml, and are words in quotes alone: 'no'")
    if fault := fault_of(str(value)):
        raise DataError(f"{path}: class {place}: {shortened(value)} is no name: {fault}")
    return str(value)


def shortened(value: Any) -> str:
    """A value from a file for a message."""
    words = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    return words if len(words) <= 300 else f"{words[:297]}..."


def _colour(value: Any, path: Path, place: int) -> list[int]:
    whole = (
        isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part <= 255 for part in value)
    )
    if not whole:
        raise DataError(f"{path}: class {place}: a colour is [red, green, blue] of integers 0 to 255, got "
                        f"{shortened(value)}")
    return list(value)


def _id(value: Any, path: Path, place: int) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise DataError(f"{path}: class {place}: an id is an integer from 0 to {LARGEST}, got {shortened(value)}")
    return value
