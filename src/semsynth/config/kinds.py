"""Kinds of values that a key takes: whether a value is one, and what to say where it is not."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a key takes.

    Args:
        words: As they follow "must be".
        fits: Plain value -> whether it is of this kind.
        names_file: Whether what is typed is the name of a file or folder, and taken as it stands.
        choices: Words that are of this kind, where few are.
    """

    words: str
    fits: Callable[[Any], bool]
    names_file: bool = False
    choices: tuple[str, ...] = ()


def whole(least: int, most: int = 2**31 - 1) -> Kind:
    """Whole numbers from `least` to `most`; only a `most` that somebody could miss is told."""
    words = f"a whole number from {least} {'on' if most == 2**31 - 1 else f'to {most}'}"
    return Kind(words, lambda value: is_whole(value) and least <= value <= most)


def number(least: float = -math.inf, most: float = math.inf) -> Kind:
    """Finite numbers from `least` to `most`."""
    bounds = "" if least == -math.inf else f" from {least:g} {'on' if most == math.inf else f'to {most:g}'}"
    return Kind(f"a number{bounds}", lambda value: isinstance(value, int | float) and not isinstance(value, bool)
                and math.isfinite(value) and least <= value <= most)


def one_of(*choices: Any) -> Kind:
    """One of some values, where 1 is not true."""
    words = tuple(written(choice) for choice in choices)
    return Kind(_either(words), lambda value: is_one_of(value, choices), choices=words)


def each(kind: Kind, words: str, least: int = 0, most: int = 2**31) -> Kind:
    """Lists of one kind, `least` to `most` long; `words` say what they list."""
    return Kind(words, lambda value: isinstance(value, Sequence) and not isinstance(value, str)
                and least <= len(value) <= most and all(map(kind.fits, value)))


def any_of(*kinds: Kind) -> Kind:
    """What is of one of several kinds."""
    return Kind(_either([kind.words for kind in kinds]), lambda value: any(kind.fits(value) for kind in kinds),
                any(kind.names_file for kind in kinds), sum((kind.choices for kind in kinds), ()))


def maybe(kind: Kind) -> Kind:
    """The same, or null."""
    return any_of(NULL, kind)


def spelled(pattern: str, words: str) -> Kind:
    """Words that a pattern matches as a whole."""
    return Kind(words, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, which true is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_one_of(value: Any, allowed: Sequence[Any]) -> bool:
    """Whether a value is one of those that are allowed, where 1 is not true."""
    return any(value is choice or (isinstance(choice, str) and isinstance(value, str) and value == choice)
               for choice in allowed)


def written(value: Any) -> str:
    """A value as it is typed, shortened where it is long."""
    words = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return words if len(words) <= 100 else f"{words[:97]}..."


def _either(words: Sequence[str]) -> str:
    flat = [part for word in words for part in word.split(" or ")]
    return " or ".join([", ".join(flat[:-1]), flat[-1]] if len(flat) > 1 else flat)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


NULL = Kind("null", lambda value: value is None)
FLAG = one_of(True, False)
TEXT = Kind("a word or several", lambda value: isinstance(value, str))
NAME = Kind("a name", _is_name)
PATH = Kind("the name of a file or folder", _is_name, names_file=True)
NODE = Kind("a group of keys", lambda value: isinstance(value, Mapping))
