"""Recipes: files that say how a painted picture was drawn, so that it can be drawn again, bit by bit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsynth.documents import read_yaml
from semsynth.errors import DataError, DocumentError, StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.described import DEEPEST, known, patches_of_words, style_of_words
from semsynth.synthesis.references import Reference
from semsynth.synthesis.styles import completed, draw_styles, with_noise_of
from semsynth.weights.tensor_files import sha256_of

VERSION = 1
KINDS = {"vector": "a style for the whole picture", "classes": "styles by class", "instances": "styles by instance"}


@dataclass(frozen=True)
class Recipe:
    """What a file says.

    Attributes:
        style: In plain words, see `semsynth.synthesis.described`; None for a network without styles.
        checkpoint: SHA-256 of the weights' file that drew; empty where it is not said.
        name: What errors call it.
    """

    style: Any
    checkpoint: str = ""
    name: str = "the recipe"

    def text(self, commands: Sequence[str]) -> str:
        """The file, which begins with the commands that draw from it; of a style that was read before."""
        head = ["# Saved by the painting page. It draws the same picture again:", *(f"#   {line}" for line in commands)]
        words = {"version": VERSION, "checkpoint": self.checkpoint,
                 "style": None if self.style is None else known(self.style)}
        lines = [f"{key}: {json.dumps(value)}" for key, value in words.items()]  # JSON is YAML, and fast to write
        lines[-1] = re.sub(r'("share": \d+)e', r"\1.0e", lines[-1])  # but for 1e-05, which YAML takes for a word
        return "\n".join([*head, *lines, ""])

    def notes(self, checkpoint: Path) -> list[str]:
        """What to say to whoever draws from it with the weights in a file."""
        if not self.checkpoint or self.checkpoint == sha256_of(checkpoint):
            return []
        return [f"the recipe was saved with other weights than {checkpoint}: the picture will be another"]

    def reference(self, generator: Any, semantics: Semantics | None = None) -> Reference | None:
        """The style of a picture, with what the generator draws besides for a label map; None without styles.

        Label maps are to be read with the instances of its patches, see `semsynth.synthesis.patches.numbered`.

        Raises:
            StyleError: the recipe is that of a network with other styles.
        """
        if not generator.styled:
            if self.style is not None:
                raise StyleError(f"{self.name} has a style, but this run has none: take the run that it names")
            return None

        def draw(seed: int) -> Style:
            drawn = draw_styles(generator, 1, seed)
            assert drawn is not None
            return drawn if semantics is None else with_noise_of(drawn, semantics.size, seed)

        of, mine = _kinds_in(self.style), {*draw(0).codes()}
        if not of <= mine:
            raise StyleError(f"{self.name} was saved by a run with {_in_words(of)}, and this one has "
                             f"{_in_words(mine)}: take the run that it names")
        try:
            style = completed(generator, style_of_words(self.style, draw), 0, semantics)
            return Reference(style, name=self.name, patches=patches_of_words(self.style, draw))
        except StyleError as error:
            raise StyleError(f"{self.name}: style: {error}") from None


def _kinds_in(words: Any, depth: int = 0) -> set[str]:
    """The kinds of codes that a style in plain words holds, as far as it tells."""
    if isinstance(words, list) and depth <= DEEPEST:
        return set().union(*(_kinds_in(part, depth + 1) for part in words[:2]))
    if not isinstance(words, Mapping) or depth > DEEPEST:
        return set()
    if isinstance(codes := words.get("codes"), Mapping):
        return {*codes} & {*KINDS}
    own = {"classes"} if words.get("classes") or words.get("instances") else set()
    return own.union(*(_kinds_in(words[key], depth + 1) for key in ("between", "base") if key in words))


def _in_words(kinds: set[str]) -> str:
    return " and ".join(KINDS[kind] for kind in KINDS if kind in kinds) or "styles drawn from a seed alone"


def refuse_beside_recipe(words: Mapping[str, Any]) -> None:
    """Check that nothing else chooses the style.

    Raises:
        StyleError: something does; names the keys.
    """
    unsaid: dict[str, Any] = {"style": None, "style_labels": None, "style_instances": None, "share": 1.0,
                              "resample": [], "instance": None, "samples": 1, "interpolate": 0, "seed": 0}
    said = [f"{key}=" for key, value in unsaid.items() if words[key] != value]
    if said:
        raise StyleError(f"redraw= says the style: leave {' and '.join(said)} out")


def read_recipe(path: str | Path) -> Recipe:
    """The recipe in a file.

    Raises:
        DataError: it is none; says why.
    """
    file = Path(path).expanduser()
    try:
        words = read_yaml(file)
    except DocumentError as error:
        raise DataError(f"redraw={path}: {error}") from None
    version = words.get("version") if isinstance(words, dict) else None
    if type(version) is int and version > VERSION:
        raise DataError(f"redraw={path}: the recipe has version {version}, and this semsynth reads version {VERSION}: "
                        "take the semsynth that saved it, or a newer one")
    if not isinstance(words, dict) or version != VERSION or "style" not in words:
        raise DataError(f"redraw={path}: this is no recipe of the painting page, which begins with `version: "
                        f"{VERSION}` and has a style")
    return Recipe(words["style"], str(words.get("checkpoint") or ""), f"redraw={path}")
