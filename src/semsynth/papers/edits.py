"""Edits of validation pictures: a class, or an instance of it, that looks as in another picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semsynth.drawing import draw, style_of
from semsynth.papers.trained import Trained
from semsynth.semantics import Semantics
from semsynth.style import Style, cat
from semsynth.synthesis.regional import at_instances, with_class
from semsynth.synthesis.styles import completed

SMALLEST = 16  # pixels of a region that is edited, or looked at


@dataclass(frozen=True)
class Edit:
    """A label map drawn as its photograph looks, and with one region as in another photograph.

    Attributes:
        index: Of the label map's sample.
        source: Of the other sample.
        label: The class.
        instance: Of the class, in the order of `semsynth.semantics.regions`; None: all of it.
        region: (H,W) bool, the pixels that are to change.
        shown: (H,W) bool, the pixels of the other picture that they are to look like.
    """

    index: int
    source: int
    label: int
    instance: int | None
    region: Tensor
    shown: Tensor


class Editor:
    """Label maps of a run's validation split in the styles of their photographs, each of which can be edited.

    Args:
        trained: The run's networks; with an encoder of styles by class or by instance.
        indices: Of the samples, which are also the pictures that looks are taken of.
    """

    def __init__(self, trained: Trained, indices: Sequence[int]) -> None:
        self.trained, self.indices = trained, list(indices)
        self.batches = [trained.batch([index]) for index in self.indices]
        self.maps: list[Semantics] = [trained.semantics(batch) for batch in self.batches]
        with torch.inference_mode():
            self.styles = [self._style(batch["image"], one) for batch, one in zip(self.batches, self.maps, strict=True)]

    def _style(self, image: Tensor, semantics: Semantics) -> Style:
        style = style_of(self.trained.encoder, image, semantics)
        return completed(self.trained.generator, style, 0, semantics)

    @property
    def by_instance(self) -> bool:
        """Whether styles have codes by instance."""
        return self.styles[0].instances is not None

    def edits(self, instances: bool = False) -> Iterator[Edit]:
        """An edit for each class of each label map, or for each instance of which there are several in a map.

        A class looks as in the next sample that shows it; an instance as the largest there.
        """
        for at, semantics in enumerate(self.maps):
            regions = semantics.regions()
            for place, (label, size) in enumerate(zip(regions.classes[0].tolist(), regions.sizes[0].tolist(),
                                                      strict=True)):
                of_class = semantics.labels[0] == label
                if instances:
                    several = int((regions.classes[0] == label).sum()) > 1
                    region, wanted = regions.index[0] == place, several and size >= SMALLEST
                else:
                    first = place == int((regions.classes[0] == label).nonzero()[0])
                    region, wanted = of_class, first and int(of_class.sum()) >= SMALLEST
                if wanted and (source := self._source(at, label, instances)) is not None:
                    other, shown = source
                    yield Edit(at, other, label, place if instances else None, region, shown)

    def _source(self, at: int, label: int, instance: bool) -> tuple[int, Tensor] | None:
        """The next sample that shows a class, and its pixels there."""
        for step in range(1, len(self.maps)):
            other = (at + step) % len(self.maps)
            found = self.looks(other, label, instance)
            if found is not None:
                return other, found
        return None

    def looks(self, other: int, label: int, instance: bool) -> Tensor | None:
        """(H,W), the pixels of a class in a sample, or of its largest instance there; None of fewer than `SMALLEST`."""
        shown = self.maps[other].labels[0] == label
        if instance and bool(shown.any()):
            regions = self.maps[other].regions()
            shown = regions.index[0] == self._largest(other, label)
        return shown if int(shown.sum()) >= SMALLEST else None

    def _largest(self, other: int, label: int) -> int:
        regions = self.maps[other].regions()
        return int(torch.where(regions.classes[0] == label, regions.sizes[0], 0).argmax())

    def changed(self, edit: Edit) -> Style:
        """The style after an edit."""
        base, other = self.styles[edit.index], self.styles[edit.source]
        if edit.instance is not None:
            return base.with_instance(edit.instance, other, self._largest(edit.source, edit.label))
        semantics = self.maps[edit.index]
        if base.instances is not None:
            other = at_instances(other, self.maps[edit.source].regions(), semantics.regions(), base)
        changed = with_class(base, other, edit.label, semantics)
        assert changed is not None, "asked of styles with parts only"
        return changed

    @torch.inference_mode()
    def draw(self, edits: Sequence[Edit]) -> tuple[Tensor, Tensor]:
        """A label map before any of its edits and after each, (1,3,H,W) and (N,3,H,W) in [-1,1]."""
        at = edits[0].index
        styles = [self.styles[at], *map(self.changed, edits)]
        if any(edit.index != at for edit in edits):
            raise ValueError("edits of one label map are drawn at a time")
        images = draw(self.trained.generator, self.maps[at].repeat(len(styles)), cat(styles))
        return images[:1], images[1:]


def has_parts(trained: Trained) -> bool:
    """Whether a run's encoder says styles by class or by instance."""
    if trained.encoder is None or not trained.generator.styled:
        return False
    batch: Any = trained.batch([0])
    with torch.inference_mode():
        style = style_of(trained.encoder, batch["image"], trained.semantics(batch))
    return style.classes is not None or style.instances is not None
