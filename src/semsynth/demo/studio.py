"""What the server draws with: one run or two, the maps to begin with, and what the page is told of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from semsynth.demo.painter import Painter
from semsynth.demo.starts import Starts
from semsynth.demo.uploads import MaskReader
from semsynth.errors import ConfigError

MOST_CLASSES = 256  # a label is a byte

Recipes = Callable[[int, Any, dict[str, str]], str]
"""Writes a recipe: of a network by its index, in a style, with the names of the saved files."""


@dataclass(frozen=True)
class Studio:
    """Everything that requests are answered from.

    Attributes:
        painters: One, or two to compare.
        ids: The value of each class in a file.
        masks: Reads uploaded masks.
        starts: Maps to begin with.
        recipe: Writes recipes.
        key: Of what is drawn with, so that the browser keeps what was painted apart.

    Raises:
        ConfigError: the runs have other classes or sizes, or too many classes.
    """

    painters: Sequence[Painter]
    ids: Sequence[int]
    masks: MaskReader
    starts: Starts
    recipe: Recipes
    key: str

    def __post_init__(self) -> None:
        first, *others = self.painters
        names = first.synthesizer.class_names
        if len(names) > MOST_CLASSES:
            raise ConfigError(f"{first.name} has {len(names)} classes: the page paints at most {MOST_CLASSES}")
        for other in others:
            if other.synthesizer.class_names != names:
                raise ConfigError(f"compare={other.name}: its classes are not those of {first.name}: both must draw "
                                  "the same label maps")
            if other.size != first.size:
                raise ConfigError(f"compare={other.name}: it draws {other.size[1]}x{other.size[0]}, {first.name} "
                                  f"{first.size[1]}x{first.size[0]}: give size=[H,W] if both can draw it")

    @property
    def size(self) -> tuple[int, int]:
        """(H,W) of all maps."""
        return self.painters[0].size

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.painters[0].synthesizer.class_names)

    @property
    def description(self) -> dict[str, Any]:
        """What the page is told, see page/engine.js."""
        height, width = self.size
        synthesizer = self.painters[0].synthesizer
        classes = [{"name": name, "colour": list(colour), "id": value} for name, colour, value in
                   zip(synthesizer.class_names, synthesizer.colours, self.ids, strict=True)]
        unknown = self.masks.unknown
        key = hashlib.sha256(f"{self.key} {width}x{height} {synthesizer.class_names}".encode()).hexdigest()[:16]
        return {"key": key, "width": width, "height": height, "classes": classes, "blank": unknown or 0,
                "networks": [painter.facts for painter in self.painters], "starts": len(self.starts)}
