"""Holding a configuration against the signatures of what it names, without building anything."""

import difflib
import importlib
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar, Union

from semsynth.errors import ConfigError

SCALARS = (bool, int, float, str)


def near(word: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known words, or an empty string."""
    matches = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""


def targets(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All nodes with a `_target_` below a plain node, with their dotted paths, the outer ones first."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, child in node.items():
            yield from targets(child, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from targets(child, f"{path}[{index}]")


def locate(name: str, path: str) -> Callable[..., Any]:
    """The class or function of a dotted name.

    Raises:
        ConfigError: there is none; names the key and what is near.
    """
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
                continue
            raise ConfigError(f"{path}._target_={name} needs {error.name}, which is not installed") from error
        for part in parts[cut:]:
            if not hasattr(found, part):
                raise ConfigError(f"{path}._target_={name}: {module_name} has no {part}{near(part, dir(found))}")
            found = getattr(found, part)
        return found
    raise ConfigError(f"{path}._target_={name}: there is no module {parts[0]}")


def bind(path: str, node: dict[str, Any]) -> None:
    """Check that a node's keys are parameters of its target, that none is missing, and that values fit.

    Raises:
        ConfigError: names the key, what is near it, or the type that is expected.
    """
    target = locate(node["_target_"], path)
    try:
        parameters = inspect.signature(target).parameters
    except ValueError:  # written in C: no signature to hold it against
        return
    given = {key: value for key, value in node.items() if not (key.startswith("_") and key.endswith("_"))}
    name = node["_target_"].rsplit(".", 1)[-1]
    named = [key for key, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for key in given:
            if key not in named:
                raise ConfigError(f"{path}.{key}: {name} has no parameter {key}{near(key, named)}"
                                  f" (it takes {', '.join(named) or 'none'})")
    if not node.get("_partial_"):
        for key in named:
            if parameters[key].default is inspect.Parameter.empty and key not in given:
                raise ConfigError(f"{path}.{key}: {name} needs a value for {key}")
    hints = _hints(target)
    for key, value in given.items():
        if key in hints and not fits(value, hints[key]):
            raise ConfigError(f"{path}.{key}={value!r}: {name} expects {_words(hints[key])}")


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except Exception:  # names that exist for type checkers only: no hints, no check
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value can be what a hint says; a node of its own, and hints of no known form, are taken to fit.

    Numbers are finite: nobody means NaN, and an infinite one is left out instead.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if hint in (Any, object) or isinstance(hint, TypeVar) or (isinstance(value, dict) and "_target_" in value):
        return True
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return any(value == part and type(value) is type(part) for part in parts)
    if origin is Annotated:
        return fits(value, parts[0])
    if value is None or hint is type(None):
        return value is None and hint is type(None)
    if isinstance(value, list):
        return _list_fits(value, origin or hint, parts)
    kind = origin or hint
    if not inspect.isclass(kind):
        return True
    if isinstance(value, dict):
        return typing.is_typeddict(kind) or issubclass(kind, Mapping)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (bool, str):
        return isinstance(value, kind)
    if isinstance(value, str):  # no list of its letters, no tensor, no module
        return issubclass(kind, Enum | PurePath)
    return _is_instance(value, kind)


def _is_instance(value: Any, kind: type) -> bool:
    """The same, also of protocols that cannot be asked, and are no plain values."""
    try:
        return isinstance(value, kind)
    except TypeError:
        return False


def _list_fits(value: list[Any], kind: Any, parts: tuple[Any, ...]) -> bool:
    if not inspect.isclass(kind):
        return True
    if kind is tuple and parts and parts[-1] is not Ellipsis:
        return len(value) == len(parts) and all(map(fits, value, parts))
    listed = _is_instance(value, kind) or kind in (tuple, set, frozenset)
    return listed and all(fits(item, parts[0]) for item in value if parts)


def _words(hint: Any) -> str:
    return hint.__name__ if inspect.isclass(hint) else str(hint).replace("typing.", "")
