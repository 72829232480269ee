"""The styles that every label map is drawn in: given ones or drawn ones, with their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style, cat
from semsynth.synthesis.codes import save_codes
from semsynth.synthesis.edits import ALL, Edit
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.references import Reference
from semsynth.synthesis.styles import check_drawn, completed, draw_styles, read_references, redraw_styles, walk

MOST = 10_000  # pictures of a label map: their styles are held at once, their files lie in one folder

UNSTYLED = ("this run has no style vector, so a label map has one picture: leave style, samples and interpolate out, "
            "or train with encoder=style (generator=crn: with generator.pictures=9)")
Files = Mapping[str, Sequence[str]]
"""Files by whose they are: of a class, or of `ALL`."""


@dataclass(frozen=True)
class MapStyles:
    """The styles of each label map: `count` of them, the same looks for all label maps.

    A style for each of `given`, or `samples` that are drawn from `seed`; `walk` > 0 goes from the first to the second
    instead. With classes that are drawn anew there are `samples` pictures of one given style, or of one that is drawn.

    Args:
        generator: Of the run.
        given: The styles of whole pictures.
        edit: What is changed of all of them.
        samples: Pictures of a label map.
        interpolate: Steps from the first style to the second, both included; 0: none.
        seed: Of what is drawn.

    Raises:
        StyleError: a wish that the network or the other wishes do not allow.
    """

    generator: Any
    given: Sequence[Reference] = ()
    edit: Edit = field(default_factory=lambda: Edit(()))
    samples: int = 1
    interpolate: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_numbers(self.samples, self.interpolate)
        if not self.generator.styled:
            if self.given or self.edit or self.interpolate or self.samples > 1:
                raise StyleError(UNSTYLED)
            return
        if not self.given or self.edit.resample:
            check_drawn(self.generator)
        if self.given and self.samples > 1 and (not self.edit.resample or len(self.given) > 1):
            raise StyleError("style= and samples= exclude each other: a style image gives one picture for each label "
                             "map, unless resample= draws a class of it anew")
        if self.interpolate and (self._ends != 2 or self.interpolate < 2):
            raise StyleError(f"interpolate=STEPS walks between two styles in at least 2 steps, got {self._ends} styles "
                             f"and {self.interpolate} steps: give style=[A.png,B.png], or none to draw both from the "
                             "seed")
        drawn = draw_styles(self.generator, 1, self.seed, _anything(self.generator))
        if drawn is None:
            return
        for reference in [*self.given, *self.edit.looks.values()]:
            reference.check_fits(drawn)
        self.edit.check_styles(drawn)

    @property
    def _ends(self) -> int:
        """Styles before a walk."""
        if len(self.given) > 1 or not (self.interpolate or self.edit.resample):
            return len(self.given) or self.samples
        return 1 if self.given and not self.edit.resample else 2 if self.interpolate else self.samples

    @property
    def count(self) -> int:
        """Pictures of a label map."""
        return self.interpolate or self._ends

    def of(self, semantics: Semantics) -> Style | None:
        """The styles of one label map; None for a generator without.

        Raises:
            StyleError: the label map lacks the instance that is to be changed.
        """
        ends = self._ends
        drawn = draw_styles(self.generator, ends, self.seed, semantics)
        if drawn is None:
            return None
        if self.given:
            style = cat([completed(self.generator, reference.for_maps(semantics, drawn[:1]), self.seed, semantics)
                         for reference in self.given])
        else:
            style = drawn[:1] if self.edit.resample else drawn
        anew = redraw_styles(self.generator, ends, self.seed, semantics) if self.edit.resample else drawn
        assert anew is not None
        style = self.edit.applied(style.spread(ends), anew, semantics)
        return walk(style, self.interpolate) if self.interpolate else style

    def save(self, path: str | Path, names: Sequence[str], semantics: Semantics, maps: int = 1) -> Path:
        """Write the codes of a label map's styles, see `save_codes`.

        Args:
            path: The file.
            names: Of the classes.
            semantics: The label map.
            maps: How many there are.

        Raises:
            StyleError: there are no styles, or they are of instances, which differ from label map to label map.
            WritingError: the file cannot be written.
        """
        style = self.of(semantics)
        if style is None:
            raise StyleError("save_codes=: this run has no styles whose codes could be saved")
        if style.instances is None:
            return save_codes(path, Reference(style), names)
        if maps > 1:
            raise StyleError(f"save_codes= keeps the codes of the instances of one label map, input= has {maps}: give "
                             "one of them")
        regions = semantics.regions().map(lambda x: x.expand(len(style), *x.shape[1:]))
        return save_codes(path, Reference(style, regions), names)


def choose_styles(generator: Any, encoder: Any, reader: MapReader, size: tuple[int, int], *, style: Files,
                  style_labels: Files | None = None, style_instances: Files | None = None,
                  share: float | Mapping[str, float] = 1.0, resample: Sequence[str] = (), instance: Any = None,
                  samples: int = 1, interpolate: int = 0, seed: int = 0) -> MapStyles:
    """The styles that label maps are drawn in, from wishes as they are typed.

    Args:
        generator, encoder: Of the run; no encoder: None.
        reader: Reads label maps of the run's classes.
        size: (H, W) of the training images.
        style, style_labels, style_instances: Files, see `read_references`.
        share, resample, instance: See `Edit.of`.
        samples, interpolate, seed: See `MapStyles`.

    Raises:
        StyleError: a wish that the network or the other wishes do not allow.
        DataError: a file cannot be read.
    """
    _check_numbers(samples, interpolate)
    if not generator.styled and (style or resample):
        raise StyleError(UNSTYLED)
    if style_instances:
        _check_instances(generator, seed)
    given = read_references(encoder, replace(reader, size=size), size, style, style_labels or {}, style_instances or {})
    of_all = given.pop(ALL, [])
    if several := [name for name, found in given.items() if len(found) != 1]:
        raise StyleError(f"style.{several[0]} must be one file: a class has one look in all pictures")
    edit = Edit.of(reader.names, {name: found[0] for name, found in given.items()}, share, resample, instance)
    return MapStyles(generator, of_all, edit, samples, interpolate, seed)


def _check_instances(generator: Any, seed: int) -> None:
    """Raise StyleError where a network's styles are not those of instances, so that it would ignore their maps."""
    drawn = draw_styles(generator, 1, seed, _anything(generator))
    if drawn is None or drawn.instances is None:
        raise StyleError("style_instances=: this run has no styles by instance, so that it would read nothing of them: "
                         "leave style_instances out, or take a run with norm=inade and instance maps")


def _anything(generator: Any) -> Semantics:
    """A label map, of which a style can be drawn."""
    return Semantics(torch.zeros(1, *generator.size, dtype=torch.int64), 1)


def _check_numbers(samples: int, interpolate: int) -> None:
    if samples < 1:
        raise StyleError(f"samples={samples} must be 1 or more")
    if max(samples, interpolate) > MOST:
        raise StyleError(f"samples={samples} interpolate={interpolate}: at most {MOST} pictures are drawn of a label "
                         "map at once; call it again with another seed for more")
