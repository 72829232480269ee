"""Figure 12 of the CLADE paper: what positional offsets change inside large objects, CLADE beside CLADE-ICPE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from semsynth.errors import ReportError
from semsynth.papers.results import Results, Section
from semsynth.papers.trained import NAMES, draw_batch, find, open_run
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.semantics.components import label_components
from semsynth.weights.files import write_with

CELL = 160  # pixels of a side of each cell
MARGIN = 0.1  # of the box, around it
LARGEST = 0.7  # of the picture's shorter side: what has a larger square is background


@dataclass(frozen=True)
class Box:
    """A square of a picture: its upper left corner and its side, in pixels."""

    top: int
    left: int
    side: int

    def of(self, picture: np.ndarray) -> np.ndarray:
        """Cut it out of (H,W,...)."""
        return picture[self.top:self.top + self.side, self.left:self.left + self.side]

    def on(self, picture: np.ndarray) -> np.ndarray:
        """A copy of (H,W,3) uint8 with its border in white on black."""
        marked = picture.copy()
        bottom, right = self.top + self.side - 1, self.left + self.side - 1
        for shade, inset in ((0, 0), (255, 1)):
            rows = slice(self.top + inset, bottom - inset + 1)
            columns = slice(self.left + inset, right - inset + 1)
            marked[[self.top + inset, bottom - inset], columns] = shade
            marked[rows, [self.left + inset]] = marked[rows, [right - inset]] = shade
        return marked


def object_box(labels: np.ndarray, classes: Sequence[int] = ()) -> tuple[Box, int] | None:
    """A square around the largest component that is no background, and its pixels; None where there is none.

    Background is what has a square around it of more than `LARGEST` of the shorter side.

    Args:
        labels: (H,W) int.
        classes: Labels that are looked at; none: all.
    """
    parts, (height, width) = label_components(labels), labels.shape
    order = parts.area.argsort(kind="stable")[::-1]
    for part in order[np.isin(parts.label[order], list(classes))] if classes else order:
        rows, columns = np.nonzero(parts.index == part)
        side = int(np.ceil((1 + 2 * MARGIN) * (max(np.ptp(rows), np.ptp(columns)) + 1)))
        if side <= LARGEST * min(height, width):
            top = int(np.clip((rows.min() + rows.max() + 1 - side) // 2, 0, height - side))
            left = int(np.clip((columns.min() + columns.max() + 1 - side) // 2, 0, width - side))
            return Box(top, left, side), int(parts.area[part])
    return None


def enlarged(picture: np.ndarray) -> np.ndarray:
    """A square (s,s,3) uint8 as (CELL,CELL,3), nearest."""
    return np.asarray(Image.fromarray(picture).resize((CELL, CELL), Image.Resampling.NEAREST))


class PositionalEffect:
    """Draws the largest objects of the validation split, enlarged, as CLADE and CLADE-ICPE draw them.

    Args:
        samples: Objects, each of another label map.
        among: Label maps, spread over the validation split, out of which the largest objects are taken.
        classes: Names of the classes of objects; none: all that are no background.
    """

    def __init__(self, samples: int = 6, among: int = 100, classes: Sequence[str] = ()) -> None:
        self.samples, self.among, self.classes = samples, among, tuple(classes)

    def __call__(self, results: Results) -> list[Section]:
        """The picture.

        Raises:
            ReportError: one of the two is not trained, data is not at hand, or there are no such objects.
        """
        networks = {name: open_run(find(results, name)) for name in ("clade", "clade_icpe")}
        first = networks["clade"]
        wanted = first.labels_of(self.classes)
        boxes = {}
        for index in first.spread(self.among):
            found = object_box(np.asarray(first.split[index]["labels"]), wanted)
            if found is not None:
                boxes[index] = found
        chosen = sorted(boxes, key=lambda index: boxes[index][1], reverse=True)[:self.samples]
        if not chosen:
            raise ReportError(f"no object of {', '.join(self.classes) or 'any class'} in {self.among} label maps")
        drawn = {name: draw_batch(trained, trained.batch(chosen)).numpy() for name, trained in networks.items()}
        batch, rows = first.batch(chosen), []
        for row, index in enumerate(chosen):
            box = boxes[index][0]
            label = colour_labels(batch["labels"][row].numpy(), first.colours)
            pictures = [batch["image"][row].numpy(), *(images[row] for images in drawn.values())]
            rows.append([self._whole(box.on(label)), *(enlarged(box.of(to_uint8(p))) for p in pictures)])
        legend = [(first.classes[k], first.colours[k]) for k in np.unique(batch["labels"].numpy())]
        grid = draw_grid(rows, ["label map", "real", *(NAMES[name] for name in drawn)], legend, CELL)
        path = write_with(results.picture(), lambda file: grid.save(file, "PNG"))
        text = ("; ".join(f"{NAMES[name]}: `{trained.run.directory}`" for name, trained in networks.items())
                + ". The square in the label map is what stands beside it, enlarged; the same style for both.")
        return [Section("Objects, enlarged", text, picture=path)]

    @staticmethod
    def _whole(picture: np.ndarray) -> np.ndarray:
        """The whole label map in a cell, its shorter sides in white."""
        height, width = picture.shape[:2]
        square = np.full((max(height, width),) * 2 + (3,), 255, np.uint8)
        square[:height, :width] = picture
        return enlarged(square)
