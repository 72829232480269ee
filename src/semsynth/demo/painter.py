"""One run that draws maps of one size, in styles that are said in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from semsynth.errors import ConfigError, FixedSizeError, StyleError
from semsynth.pictures.grid import to_uint8
from semsynth.semantics.regions import Regions
from semsynth.semantics.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.described import described, patches_of_words, style_of_words
from semsynth.synthesis.patches import NO_INSTANCES, numbered
from semsynth.synthesis.references import Reference
from semsynth.synthesis.styles import with_noise_of
from semsynth.synthesizer import Synthesizer


@dataclass
class Painter:
    """Draws; in one thread at a time.

    Attributes:
        synthesizer: Of the run.
        name: What the run is called.
        size: (H,W) of all maps.
    """

    synthesizer: Synthesizer
    name: str
    size: tuple[int, int]

    def __post_init__(self) -> None:
        self._like = self.synthesizer.drawn(0)

    @property
    def facts(self) -> dict[str, Any]:
        """What the page is told of the network, see `networks` in page/engine.js."""
        styled = self._like is not None
        return {"name": self.name, "styled": styled, "encodes": styled and self.synthesizer.has_encoder,
                "regions": self._like is not None and self._like.classes is not None,
                "instances": styled and self.synthesizer.styles_instances}

    def check_size(self) -> None:
        """Draw once, which also brings what is made at the first picture.

        Raises:
            ConfigError: the network cannot draw this size.
        """
        try:
            self.draw(np.zeros(self.size, np.uint8), {"seed": 0} if self._like is not None else None)
        except FixedSizeError as error:
            raise ConfigError(f"size={list(self.size)}: {error.reason}: leave size= out") from error
        except ValueError as error:
            raise ConfigError(f"size={list(self.size)}: {error}") from error

    def draw(self, labels: np.ndarray, words: Any) -> np.ndarray:
        """The picture (H,W,3) uint8 of a map (H,W) of classes, in a style.

        Args:
            labels: Integers below the number of classes.
            words: See `semsynth.synthesis.described`; None for a network without styles.

        Raises:
            StyleError: the words are no style of this network.
            ValueError: a label is no class.
        """
        reference = self.reference(words)
        patches = () if reference is None else reference.patches
        maps, things = labels[None].astype(np.int64), numbered(labels, patches)[None]
        style = None if reference is None else self._for_map(reference, maps, things)
        return to_uint8(self.synthesizer(maps, things, style=style, seed=0)[0].cpu().numpy())

    def reference(self, words: Any) -> Reference | None:
        """The style that is said in words; None without styles.

        Raises:
            StyleError: as `draw`.
        """
        if self._like is not None:
            return Reference(style_of_words(words, self._drawn), patches=patches_of_words(words, self._drawn))
        if words is not None:
            raise StyleError("this run has no styles: a label map has one picture")
        return None

    def encode(self, photograph: Image.Image, labels: np.ndarray) -> dict[str, Any]:
        """The style of a photograph, in words.

        Args:
            photograph: Of any size.
            labels: (H,W), where its classes are; networks with one style for the whole picture ignore them.

        Raises:
            StyleError: this run takes no styles of photographs.
        """
        if self._like is None or not self.synthesizer.has_encoder:
            raise StyleError("this run has no style encoder, so that no style can be taken of a photograph")
        if self._like.classes is None:
            return described(self.synthesizer.encode(photograph))
        if self.size != self.synthesizer.size:
            raise StyleError("the styles of this run's classes are taken of photographs at its training size alone, "
                             "and this page was started with another: draw styles from seeds")
        maps = labels[None].astype(np.int64)
        style = self.synthesizer.encode(photograph, maps)
        return described(style if style.instances is None else self._of_classes(style, maps))

    def _for_map(self, reference: Reference, maps: np.ndarray, things: np.ndarray) -> Style:
        """The style of a label map, where some of its instances look otherwise."""
        if not reference.patches:
            return reference.style
        if not self.synthesizer.styles_instances:
            raise StyleError(NO_INSTANCES)
        drawn = self._drawn(0)
        assert drawn.classes is not None
        semantics = Semantics(torch.from_numpy(maps), drawn.classes.shape[1], instances=torch.from_numpy(things))
        of_map = self.synthesizer.drawn(0, maps, things)
        assert of_map is not None
        return reference.for_maps(semantics, of_map)

    def _of_classes(self, style: Style, maps: np.ndarray) -> Style:
        """Codes of instances as codes of their classes; drawn ones where the map lacks a class."""
        like = self._drawn(0)
        assert like.classes is not None
        assert style.instances is not None
        regions = Regions.of(Semantics(torch.from_numpy(maps), like.classes.shape[1]))
        classes = like.classes.clone()
        classes[0, regions.classes[0]] = style.instances[0].to(classes)
        return Style(vector=like.vector, classes=classes)

    def _drawn(self, seed: int) -> Style:
        drawn = self.synthesizer.drawn(seed)
        assert drawn is not None
        return with_noise_of(drawn, self.size, seed)
