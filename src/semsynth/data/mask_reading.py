"""Whether ids or colours tell the classes of masks: one decision for all files of a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from semsynth.data.classes import ClassTable, Masks
from semsynth.data.colours import ColourCode, unpack_colour
from semsynth.data.masks import DONT_CARE, Mask, pack_colours, read_mask
from semsynth.data.spread import spread_order
from semsynth.errors import DataError

LOOKED_AT = 500  # masks, spread over the data set
NO_CLASS, NO_MATTER = -1, -2  # beside class indices: what no class has, and don't-care
CHOOSE = ("Say which is right: dataset.masks=ids or dataset.masks=colours, or a line `masks: ids` or `masks: colours` "
          "in classes.yaml")


def reading_of(classes: ClassTable, masks: Masks, files: Callable[[], Sequence[Path]]) -> Masks:
    """Return `ids` or `colours`: as `masks` or classes.yaml says, or where both say `auto`, as the files tell.

    `auto` is what comes back only where there is no mask that can be read.

    Raises:
        DataError: as `decide`.
    """
    stated = classes.masks if masks == "auto" else masks
    return decide(classes, files()) if stated == "auto" else stated


def decide(classes: ClassTable, files: Sequence[Path]) -> Masks:
    """Find the reading under which every mask holds classes only.

    A mask that holds others under both is left out: reading it will tell. Where palettes number the same colour
    differently from file to file, indices are no ids. Where both readings fit and give the same classes, ids are taken.

    Raises:
        DataError: both readings fit but give other classes; or neither fits all masks. Names the files.
    """
    seen = _Seen(classes)
    for place in spread_order(len(files))[:LOOKED_AT]:
        try:
            mask = read_mask(files[place])
        except DataError:
            continue
        seen.look(mask, files[place])
        if seen.is_settled:
            break
    return seen.result()


@dataclass
class _Seen:
    """What the masks so far allow."""

    classes: ClassTable
    against: dict[Masks, str] = field(default_factory=dict)  # reading -> what speaks against it
    differs: str | None = None  # a pixel value that the two readings take for different classes
    palette: dict[int, tuple[int, Path]] = field(default_factory=dict)  # index -> packed colour, and where it was seen
    kinds: set[Masks] = field(default_factory=set)  # of masks that fit nothing: what they seem to be
    any_fits: bool = False

    @cached_property
    def code(self) -> ColourCode:
        """The class of each colour."""
        return ColourCode(self.classes.names, self.classes.colours)

    @property
    def is_settled(self) -> bool:
        """Whether further masks change nothing: of palettes, all are compared."""
        return len(self.against) == 2 or ("ids" in self.against) or ("colours" in self.against and not self.palette)

    def look(self, mask: Mask, path: Path) -> None:
        """Take a mask into account."""
        values, colours = _distinct(mask)
        by_id = self._by_id(values, len(colours))
        # a colour that two classes share tells nothing
        by_colour = np.where(self.code.shared(colours), NO_CLASS, self.code.find(colours))
        colours_fit = bool((by_colour >= 0).all())
        # a 255 that is no class counts as don't-care only where it is no colour of a class either
        ids_fit = bool((by_id != NO_CLASS).all() and not (colours_fit and (by_id == NO_MATTER).any()))
        if not ids_fit and not colours_fit:
            self.kinds.add("colours" if values is None else "ids")
            return
        self.any_fits = True
        if not ids_fit:
            self.against.setdefault("ids", f"{path} holds colours of classes, but no ids of classes")
        if not colours_fit:
            wrong = unpack_colour(int(pack_colours(colours[by_colour < 0][0])))
            self.against.setdefault("colours", f"{path} holds ids of classes, but {wrong} is no class's colour")
        other = np.flatnonzero(by_id != by_colour)
        if ids_fit and colours_fit and len(other) and values is not None:
            place, names = other[0], self.classes.names
            self.differs = self.differs or (
                f"{path}: both ids and colours of classes: the pixels with id {values[place]} and colour "
                f"{colours[place].tolist()} are {names[by_id[place]]} by id, {names[by_colour[place]]} by colour")
        if mask.pixels.ndim == 2 and mask.colours is not None and values is not None:
            self._compare_palettes(values, pack_colours(colours), path)

    def _by_id(self, values: np.ndarray | None, count: int) -> np.ndarray:
        """Class index of each id, or NO_MATTER, or NO_CLASS."""
        if values is None:
            return np.full(count, NO_CLASS)
        index_of = {DONT_CARE: NO_MATTER} | {label: index for index, label in enumerate(self.classes.ids)}
        return np.array([index_of.get(value, NO_CLASS) for value in values.tolist()])

    def _compare_palettes(self, indices: np.ndarray, colours: np.ndarray, path: Path) -> None:
        for index, colour in zip(indices.tolist(), colours.tolist(), strict=True):
            before, where = self.palette.setdefault(index, (colour, path))
            if before != colour:
                self.against.setdefault("ids", f"palette index {index} is {unpack_colour(before)} in {where}, "
                                               f"{unpack_colour(colour)} in {path}: such indices are no ids")

    def result(self) -> Masks:
        """Decide.

        Raises:
            DataError: as `decide`.
        """
        if len(self.against) == 2:
            raise DataError(f"masks are neither ids nor colours throughout: {self.against['ids']}; "
                            f"{self.against['colours']}. Bring all masks to one kind, or correct classes.yaml. {CHOOSE}"
                            )
        if self.against:
            return "ids" if "colours" in self.against else "colours"
        if self.differs:
            raise DataError(f"{self.differs}; no other mask tells which is meant. {CHOOSE}")
        if not self.any_fits:  # whichever is taken, reading says what is wrong
            return "colours" if self.kinds == {"colours"} else "ids" if self.kinds else "auto"
        return "ids"


def _distinct(mask: Mask) -> tuple[np.ndarray | None, np.ndarray]:
    """The values of a mask as ids (n,), None where they are colours, and as colours (n,3)."""
    if mask.pixels.ndim == 3:
        packed = np.unique(pack_colours(mask.pixels))
        colours = np.stack([packed >> 16, (packed >> 8) & 255, packed & 255], axis=-1)
        return (colours[:, 0] if (colours == colours[:, :1]).all() else None), colours
    values = np.unique(mask.pixels)
    if mask.colours is not None:
        return values, mask.colours[values]
    return values, np.repeat(values.clip(-1, 256).astype(np.int32)[:, None], 3, 1)
