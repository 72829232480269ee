"""A first classes.yaml from the masks of a folder: their ids, palettes or colours."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from semsynth.data.colours import unpack_colour
from semsynth.data.folder import Folder
from semsynth.data.mask_files import masks_of
from semsynth.data.masks import DONT_CARE, Mask, pack_colours, read_mask
from semsynth.data.palette import generated_palette
from semsynth.data.smoothing import are_smoothed, of_areas
from semsynth.errors import DataError
from semsynth.weights.files import write_text

MOST_CLASSES = 1000  # more distinct colours or ids than this are noise or measurements, not classes


@dataclass
class Draft:
    """Classes in order: colour, id in the masks (None where colours tell the classes), part of the pixels in [0,1]."""

    colours: list[list[int]]
    ids: list[int] | None
    shares: list[float]
    unknown: int | None = None  # the place of the class for don't-care pixels
    skipped: list[str] = field(default_factory=list)  # masks that could not be read

    def text(self) -> str:
        """Return the content of classes.yaml."""
        lines = ["# Drafted from the masks: give the classes their names. The order is that of the network's channels."]
        if self.unknown is not None:
            lines.append(f"unknown: unknown # label {DONT_CARE}: pixels that belong to no class")
        lines.append(f"masks: {'colours' if self.ids is None else 'ids'} # what tells the classes in the masks")
        lines.append("classes:")
        explicit = self.ids is not None and self.ids != list(range(len(self.ids)))
        for place, colour in enumerate(self.colours):
            name = "unknown" if place == self.unknown else f"class_{place}"
            label = f", id: {self.ids[place]}" if explicit and self.ids is not None else ""
            lines.append(f"  - {{name: {name}, colour: {colour}{label}}} # {self.shares[place]:.2%} of the pixels")
        return "\n".join(lines) + "\n"


def draft_classes(root: Path, progress: Callable[[Iterable[Path]], Iterable[Path]] = iter) -> Draft:
    """Collect the classes of a folder's masks.

    Colour masks give a class to each colour, the most frequent first, and so do palette masks whose palettes number
    their colours differently. Masks of ids give one to each id, in order, with the colours of their palette, if they
    have one. Id 255 becomes an unknown class at the end, unless 0 is the only other id: then it is an ordinary class.

    Raises:
        DataError: there are no masks, colour and id masks are mixed, there are too many of them to be classes, or most
            are blends along smoothed edges.
    """
    found, skipped = _Found(), []
    files = masks_of(root)
    if not files:
        raise DataError(f"{root}: no masks to draft classes from.\nExpected layout:{Folder.layout.rstrip()}")
    for path in progress(files):
        try:
            mask = read_mask(path)
        except DataError as error:
            skipped.append(str(error))
            continue
        found.add(mask, path)
    return found.draft(skipped)


@dataclass
class _Found:
    """Ids and colours of the masks so far, with their numbers of pixels."""

    ids: Counter[int] = field(default_factory=Counter)
    colours: Counter[int] = field(default_factory=Counter)  # of masks of colours
    shown: Counter[int] = field(default_factory=Counter)  # of palettes
    palette: dict[int, int] = field(default_factory=dict)  # index -> packed colour
    areas: set[int] = field(default_factory=set)  # ids and colours that fill an area somewhere
    palettes_agree: bool = True
    by_id: Path | None = None
    by_colour: Path | None = None

    def add(self, mask: Mask, path: Path) -> None:
        """Count a mask.

        Raises:
            DataError: there are now too many ids or colours to be classes.
        """
        if mask.pixels.ndim == 3:
            self.by_colour = path
            packed = pack_colours(mask.pixels)
            self.colours.update(_counted(packed))
            self.areas |= of_areas(packed)
        else:
            self.by_id = path
            counted = _counted(mask.pixels)
            self.ids.update(counted)
            self.areas |= of_areas(mask.pixels)
            if mask.colours is not None:
                self._compare_palettes(counted, pack_colours(mask.colours))
        if len(self.colours) > MOST_CLASSES:
            raise DataError(
                f"{path}: with this mask there are more than {MOST_CLASSES} colours: the masks are smoothed or were "
                "saved with loss (as JPEG); save them as PNG with one colour for each class"
            )
        if len(self.ids) > MOST_CLASSES:
            raise DataError(
                f"{path}: with this mask there are more than {MOST_CLASSES} ids: these are instances, depths or other "
                "measurements rather than classes; put masks of classes in their place"
            )

    def _compare_palettes(self, counted: Mapping[int, int], palette: np.ndarray) -> None:
        for index, pixels in counted.items():
            colour = int(palette[index])
            self.shown[colour] += pixels
            self.palettes_agree &= self.palette.setdefault(index, colour) == colour

    def draft(self, skipped: list[str]) -> Draft:
        """Make classes of them.

        Raises:
            DataError: ids and colours are mixed, most are blends along smoothed edges, or there are none.
        """
        if self.by_id and self.by_colour:
            raise DataError(f"{self.by_colour} holds colours, {self.by_id} ids: bring all masks to one kind")
        values, kind = (self.colours, "colours") if self.by_colour else (self.ids, "ids")
        if are_smoothed(values, self.areas):
            raise DataError(
                f"{self.by_colour or self.by_id}: {sum(v not in self.areas for v in values)} of the {len(values)} "
                f"{kind} in all masks fill no 3x3 pixels anywhere: edges were smoothed, or a mask was scaled or saved "
                f"with loss (as JPEG) before. Export the masks anew, without anti-aliasing, with one of the {kind} "
                "for each class"
            )
        if not self.palettes_agree:  # an index is another colour in another file, so only colours can tell the classes
            return _from_colours(self.shown, skipped)
        if self.colours and all(len(set(unpack_colour(colour))) == 1 for colour in self.colours):  # ids as grey RGB
            return _from_ids(Counter({colour & 255: count for colour, count in self.colours.items()}), {}, skipped)
        if self.colours:
            return _from_colours(self.colours, skipped)
        if not self.ids:
            raise DataError("no mask could be read:\n" + "\n".join(skipped))
        return _from_ids(self.ids, self.palette, skipped)


def _counted(values: np.ndarray) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _from_colours(colours: Counter[int], skipped: list[str]) -> Draft:
    total, ranked = sum(colours.values()), colours.most_common()
    return Draft([unpack_colour(c) for c, _ in ranked], None, [n / total for _, n in ranked], skipped=skipped)


def _from_ids(ids: Counter[int], palette: Mapping[int, int], skipped: list[str]) -> Draft:
    labels = sorted(ids)
    colours = generated_palette(len(labels))
    own = {palette[label] for label in labels if label in palette}
    if len(own) == len(labels):  # a palette that repeats colours tells nothing
        colours = [unpack_colour(palette[label]) for label in labels]
    has_unknown = labels[-1] == DONT_CARE and labels != [0, DONT_CARE]
    unknown = len(labels) - 1 if has_unknown else None
    total = sum(ids.values())
    return Draft(colours, labels, [ids[label] / total for label in labels], unknown, skipped)


def write_draft(path: Path, make: Callable[[], Draft], overwrite: bool = False) -> Draft:
    """Make a draft and write it; a file that is there stays unless `overwrite`, and no mask is read then.

    Raises:
        DataError: the file is there, or see `draft_classes`.
    """
    if path.exists() and not overwrite:
        raise DataError(f"{path} is there already: set overwrite=true to replace it")
    draft = make()
    write_text(path, draft.text())
    return draft
