"""What the stored configuration of a run says of its data, as every reader of it takes it."""

import re
from collections.abc import Mapping
from typing import Any

from semsynth.class_names import fault_of
from semsynth.errors import ConfigError

CONDITION = ("size", "icpe.enabled", *(f"dataset.{key}" for key in ("classes", "colours", "unknown", "edges")))
NAME = re.compile(r"\w[^/\\<>|]*")
MOST_PIXELS = 2**28  # of a picture; 16384 x 16384


def check_facts(plain: Mapping[str, Any]) -> None:
    """Check the values that a stored configuration has: names, classes, colours, sizes. None has to be there.

    Names of data sets and recipes become names of files.

    Raises:
        ConfigError: the first that is none; names its key.
    """
    for key in ("dataset", "recipe", "icpe", "batch"):
        if not isinstance(plain.get(key, {}), Mapping):
            raise ConfigError(f"{key} is no table: the file was changed, or written by an older version")
    data, size = plain.get("dataset", {}), plain.get("size")
    for key, name in (("dataset", data.get("name")), ("recipe", plain.get("recipe", {}).get("name"))):
        if name is not None and (fault_of(name) or not NAME.fullmatch(name)):
            raise ConfigError(f"{key}.name={name!r:.100} is no name, which begins with a letter and is no path")
    if "size" in plain and not (isinstance(size, list) and len(size) == 2 and all(_whole(n, 1) for n in size)
                                and size[0] * size[1] <= MOST_PIXELS):
        raise ConfigError(f"size={size!r:.100} is not [HEIGHT, WIDTH] in pixels")
    if "run_dir" in plain and not isinstance(plain["run_dir"], str):
        raise ConfigError(f"run_dir={plain['run_dir']!r:.100} is no path")
    numbers = {**{key: plain.get(key) for key in ("epochs", "seed")},
               **{f"batch.{key}": value for key, value in plain.get("batch", {}).items()}}
    for key, value in numbers.items():
        if value is not None and not _whole(value, 0 if key == "seed" else 1):
            raise ConfigError(f"{key}={value!r:.100} is no whole number from {0 if key == 'seed' else 1}")
    if "classes" in data:
        _check_classes(data)


def lacking_facts(plain: Mapping[str, Any]) -> list[str]:
    """The dotted keys that reading a label map takes, and that are not there."""
    return [key for key in CONDITION if not _has(plain, key.split("."))]


def _has(node: Any, path: list[str]) -> bool:
    return isinstance(node, Mapping) and path[0] in node and (not path[1:] or _has(node[path[0]], path[1:]))


def _check_classes(data: Mapping[str, Any]) -> None:
    names = data["classes"]
    if not isinstance(names, list) or not names:
        raise ConfigError("dataset.classes is no list of names")
    for place, name in enumerate(names):
        if fault := fault_of(name):
            raise ConfigError(f"dataset.classes[{place}]={name!r:.100} is no name of a class: {fault}")
    if len(set(names)) < len(names):
        raise ConfigError("dataset.classes: a name occurs more than once")
    count = len(names)
    if data.get("num_classes", count) != count or isinstance(data.get("num_classes"), bool):
        raise ConfigError(f"dataset.num_classes={data['num_classes']!r:.100}, but there are {count} dataset.classes")
    colours = data.get("colours", [[0, 0, 0]] * count)
    if not (isinstance(colours, list) and len(colours) == count and all(map(_is_colour, colours))):
        raise ConfigError(f"dataset.colours are not {count} lists [red, green, blue] of whole numbers 0 to 255")
    ids = data.get("ids")
    if ids is not None and not (isinstance(ids, list) and len(ids) == count and all(_whole(n, 0) for n in ids)):
        raise ConfigError(f"dataset.ids are not {count} whole numbers from 0")
    unknown = data.get("unknown")
    if unknown is not None and not (_whole(unknown, 0) and unknown < count):
        raise ConfigError(f"dataset.unknown={unknown!r:.100} is no class: they are 0 to {count - 1}")
    for key in ("instances", "edges"):
        if key in data and not isinstance(data[key], bool):
            raise ConfigError(f"dataset.{key}={data[key]!r:.100} is neither true nor false")


def _whole(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _is_colour(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_whole(n, 0) and n <= 255 for n in value)
