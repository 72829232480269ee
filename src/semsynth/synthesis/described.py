"""Styles in plain words, which a page or a file can hold: seeds, codes, and what is made of them.

    {seed: 7}                                                     drawn from N(0, 1)
    {codes: {vector: {shape: [1, 256], data: BASE64}}}            little-endian float32
    {between: [STYLE, STYLE], share: 0.3}                         on the way from one to the other
    {base: STYLE, classes: {3: STYLE}}                            some classes look as in other styles
    {base: STYLE, instances: [{at: [ROW, COLUMN], class: 3, style: STYLE}]}       so does one region of a class

The last one is said of a whole style only, and is read by `patches_of_words`; beside `classes` it goes before them.
Further keys beside `codes`, as a name, are left to whoever wrote them.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semsynth.errors import StyleError
from semsynth.style import Style
from semsynth.synthesis.patches import Patch
from semsynth.synthesis.styles import mixed

MOST = 1024  # styles within a style
DEEPEST = 4
LARGEST_SEED = 2**63 - 1
LARGEST_SIDE = 2**31
Draw = Callable[[int], Style]


def described(style: Style) -> dict[str, Any]:
    """The codes of one picture's style, exact to the bit; noise is left to be drawn."""
    codes = {name: code for name, code in style.codes().items() if name != "noise"}
    return {"codes": {name: {"shape": list(code.shape), "data": _packed(code)} for name, code in codes.items()}}


def style_of_words(words: Any, draw: Draw) -> Style:
    """The style of one picture.

    Args:
        words: Plain values of anybody, see above.
        draw: The network's style of a seed; codes must have the shapes of these.

    Raises:
        StyleError: they say something else, or do not fit the network.
    """
    return _Reader(draw).read(words, 0)


def patches_of_words(words: Any, draw: Draw) -> tuple[Patch, ...]:
    """The regions that have a style of their own in the words of a style; arguments and errors as `style_of_words`."""
    if not isinstance(words, Mapping) or "base" not in words:
        return ()
    return _Reader(draw).patches(words.get("instances", []))


def known(words: Mapping[str, Any]) -> dict[str, Any]:
    """Of a style's words, which `style_of_words` has read, those that it reads."""
    if "seed" in words:
        return {"seed": words["seed"]}
    if "codes" in words:
        return {"codes": {name: {"shape": [int(side) for side in table["shape"]], "data": table["data"]}
                          for name, table in words["codes"].items()}}
    if "between" in words:
        return {"between": [known(end) for end in words["between"]], "share": words["share"]}
    found: dict[str, Any] = {"base": known(words["base"])}
    if "classes" in words:
        found["classes"] = {str(int(index)): known(style) for index, style in words["classes"].items()}
    if "instances" in words:
        found["instances"] = [{"at": [*one["at"]], "class": one["class"], "style": known(one["style"])}
                              for one in words["instances"]]
    return found


class _Reader:
    """Reads words, no more than some."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.like, self.count = draw, draw(0), 0

    def read(self, words: Any, depth: int) -> Style:
        self.count += 1
        if not isinstance(words, Mapping) or depth > DEEPEST or self.count > MOST:
            raise StyleError(f"a style is a table such as {{seed: 7}}, no deeper than {DEEPEST} of them and no more "
                             f"than {MOST}; got {_brief(words)}")
        if "seed" in words:
            seed = words["seed"]
            if not _whole(seed, LARGEST_SEED + 1):
                raise StyleError(f"seed: {_brief(seed)} must be a whole number from 0 to 2^63 - 1")
            return self.draw(seed)
        if "codes" in words:
            return self.coded(words["codes"])
        if "between" in words:
            ends, share = words["between"], words.get("share")
            if not isinstance(ends, list) or len(ends) != 2:
                raise StyleError("between: two styles, from the first to the second")
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise StyleError(f"share: {_brief(share)} must be a number from 0 to 1")
            first, second = (self.read(end, depth + 1) for end in ends)
            return mixed(first, second, share)
        if "base" in words:
            if depth and "instances" in words:
                raise StyleError("instances: only a whole style says how single ones look, none within another style")
            style = self.read(words["base"], depth + 1)
            return (style if "instances" in words and "classes" not in words
                    else self.with_classes(style, words.get("classes"), depth))
        raise StyleError("a style says one of seed, codes, between and base")

    def with_classes(self, style: Style, classes: Any, depth: int) -> Style:
        if style.classes is None:
            raise StyleError("classes: the styles of this run are those of whole pictures, none can change for one "
                             "class")
        if not isinstance(classes, Mapping):
            raise StyleError("classes: a table of styles by the numbers of classes")
        count = style.classes.shape[1]
        for key, words in classes.items():
            index = int(key) if str(key).isdecimal() and len(str(key)) < 6 else -1
            if not 0 <= index < count:
                raise StyleError(f"classes: {_brief(key)} is no class from 0 to {count - 1}")
            style = style.with_class(index, self.read(words, depth + 1))
        return style

    def patches(self, instances: Any) -> tuple[Patch, ...]:
        if not isinstance(instances, list) or not all(isinstance(one, Mapping) for one in instances):
            raise StyleError("instances: a list of tables with at, class and style")
        return tuple(self.patch(one) for one in instances)

    def patch(self, words: Mapping[str, Any]) -> Patch:
        if self.like.classes is None:
            raise StyleError("instances: the styles of this run are those of whole pictures")
        place, label, count = words.get("at"), words.get("class", -1), self.like.classes.shape[1]
        if not isinstance(place, list) or len(place) != 2 or not all(_whole(side, LARGEST_SIDE) for side in place):
            raise StyleError("instances: at is [ROW, COLUMN], whole numbers from 0")
        if not _whole(label, count):
            raise StyleError(f"instances: class {_brief(label)} is no class from 0 to {count - 1}")
        style = self.read(words.get("style"), 1)
        if style.classes is None:
            raise StyleError("instances: a style without codes by class says nothing of one instance")
        return Patch((place[0], place[1]), label, style)

    def coded(self, tables: Any) -> Style:
        """A style of codes, where they are such as the network reads."""
        known = {name: code for name, code in self.like.codes().items() if name != "noise"}
        if not isinstance(tables, Mapping) or not tables or not tables.keys() <= known.keys():
            raise StyleError(f"codes: a table of codes by name; this run has {', '.join(known)}")
        codes: dict[str, Any] = {name: _unpacked(name, table, tuple(known[name].shape))
                                 for name, table in tables.items()}
        return Style(**codes)


def _packed(code: Tensor) -> str:
    return base64.b64encode(code.detach().cpu().numpy().astype("<f4").tobytes()).decode()


def _unpacked(name: str, table: Any, shape: tuple[int, ...]) -> Tensor:
    """A code.

    Raises:
        StyleError: it is none of this shape.
    """
    if not isinstance(table, Mapping) or table.get("shape") != list(shape):
        raise StyleError(f"codes.{name}: this run reads codes of the shape {list(shape)}")
    try:
        raw = base64.b64decode(table.get("data", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise StyleError(f"codes.{name}: data is no base64") from None
    if len(raw) != 4 * math.prod(shape):
        raise StyleError(f"codes.{name}: data holds {len(raw)} bytes, {list(shape)} has {4 * math.prod(shape)}")
    values = torch.from_numpy(np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape))
    if not bool(values.isfinite().all()):
        raise StyleError(f"codes.{name}: numbers that are not finite")
    return values


def _whole(value: Any, most: int) -> bool:
    """Whether it is a whole number in [0, most)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most


def _brief(value: Any) -> str:
    """A value in a message: whole where it is short."""
    return repr(value)[:80] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
