"""What the keys of a command mean: the comments of its file in conf/."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

UNUSED = "not used"  # so begins the comment of a group that is dropped: an experiment or another group may choose it
HIDDEN = (UNUSED, "internal")  # so begins the comment of what nobody needs to give
BROUGHT = re.compile(r"^( *)# (?=- \w+: of )", re.MULTILINE)  # `# - loss: of recipe`: recipe's own files choose it
LINE = re.compile(r"(?P<indent> *)(?P<item>- )?(?P<override>override /?)?(?P<key>[\w/@.]+):"
                  r"(?: +(?P<value>[^#\s][^#]*?))?(?: +#+ (?P<meaning>.*))?\s*")


@cache
def meanings(file: Path) -> dict[str, str]:
    """The meaning of each key and group of a command, in the order of its file; `dataset.root` for `root` in `dataset`.

    It stands behind the key; a key without one has that of the key which it is part of. A group that another group
    brings has its line as a comment.
    """
    found: dict[str, str] = {}
    outer: list[tuple[int, str]] = []  # the keys that a line is part of, with their indents
    for match in map(LINE.fullmatch, _read(file).splitlines()):
        if match is None:
            continue
        indent = len(match["indent"])
        outer = [(depth, key) for depth, key in outer if depth < indent]
        names = [key for _, key in outer]
        if match["item"] and names == ["defaults"]:
            if match["meaning"]:
                found[match["key"]] = match["meaning"]
            continue
        if not match["item"]:
            outer.append((indent, match["key"]))
            if match["meaning"] and names[:1] != ["hydra"] and match["key"] not in ("hydra", "defaults"):
                found[".".join([*names, match["key"]])] = match["meaning"]
    return found


@cache
def chosen(file: Path) -> dict[str, str | list[str] | None]:
    """The choice of each group in the defaults list of a command's file; a list where it takes several.

    `of recipe` is that of a group which `recipe` brings.
    """
    lines: list[Any] = yaml.safe_load(_read(file)).get("defaults", [])
    every = {str(k): v for line in lines if isinstance(line, dict) for k, v in line.items()}
    return {key: value for key, value in every.items() if not key.startswith("override ")}


def _read(file: Path) -> str:
    """A command's file, with lines in its defaults list for the groups that others bring."""
    return BROUGHT.sub(r"\1", file.read_text(encoding="utf-8"))
