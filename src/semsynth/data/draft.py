"""A first classes.yaml from the masks of a folder: their ids, palettes or colours."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from semsynth.data.colours import unpack_colour
from semsynth.data.errors import DataError
from semsynth.data.folder import Folder
from semsynth.data.masks import DONT_CARE, pack_colours, read_mask
from semsynth.data.pairing import label_files
from semsynth.data.palette import generated_palette

MOST_CLASSES = 1000  # more distinct colours than this are noise, not classes


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
        lines.append("classes:")
        explicit = self.ids is not None and self.ids != list(range(len(self.ids)))
        for place, colour in enumerate(self.colours):
            name = "unknown" if place == self.unknown else f"class_{place}"
            label = f", id: {self.ids[place]}" if explicit and self.ids is not None else ""
            lines.append(f"  - {{name: {name}, colour: {colour}{label}}} # {self.shares[place]:.2%} of the pixels")
        return "\n".join(lines) + "\n"


def mask_files(root: Path) -> list[Path]:
    """List the masks of all splits of a folder.

    Raises:
        DataError: there are none.
    """
    folders = [path for path in (root / "labels", root / "train" / "labels", root / "val" / "labels") if path.is_dir()]
    files = [path for folder in folders for path in label_files(folder)]
    if not files:
        raise DataError(f"{root}: no masks to draft classes from.\nExpected layout:{Folder.layout.rstrip()}")
    return files


def draft_classes(root: Path, progress: Callable[[Iterable[Path]], Iterable[Path]] = iter) -> Draft:
    """Collect the classes of a folder's masks.

    Colour masks give a class to each colour, the most frequent first. Masks of ids give one to each id, in order, with
    the colours of their palette, if they have one. Id 255 becomes an unknown class at the end, unless 0 is the only
    other id: then it is an ordinary class.

    Raises:
        DataError: there are no masks, colour and id masks are mixed, or there are too many colours to be classes.
    """
    ids: Counter[int] = Counter()
    colours: Counter[int] = Counter()
    palette: np.ndarray | None = None
    skipped = []
    by_id, by_colour = Path(), Path()
    for path in progress(mask_files(root)):
        try:
            mask = read_mask(path)
        except DataError as error:
            skipped.append(str(error))
            continue
        if mask.pixels.ndim == 3:
            by_colour = path
            _count(colours, pack_colours(mask.pixels))
        else:
            by_id = path
            _count(ids, mask.pixels)
            palette = mask.colours if palette is None else palette
        if len(colours) > MOST_CLASSES:
            raise DataError(
                f"{path}: with this mask there are more than {MOST_CLASSES} colours: the masks are smoothed or were "
                "saved with loss (as JPEG); save them as PNG with one colour for each class"
            )
    if ids and colours:
        raise DataError(f"{by_colour} holds colours, {by_id} ids: bring all masks to one kind")
    if colours and all(len(set(unpack_colour(colour))) == 1 for colour in colours):  # ids stored as grey RGB
        ids = Counter({colour & 255: count for colour, count in colours.items()})
    elif colours:
        total = sum(colours.values())
        ranked = colours.most_common()
        return Draft([unpack_colour(c) for c, _ in ranked], None, [n / total for _, n in ranked], skipped=skipped)
    if not ids:
        raise DataError("no mask could be read:\n" + "\n".join(skipped))
    return _from_ids(ids, palette, skipped)


def _count(counter: Counter[int], values: np.ndarray) -> None:
    found, counts = np.unique(values, return_counts=True)
    counter.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def _from_ids(ids: Counter[int], palette: np.ndarray | None, skipped: list[str]) -> Draft:
    labels = sorted(ids)
    colours = generated_palette(len(labels))
    if palette is not None:
        own = [palette[label].tolist() for label in labels if label < len(palette)]
        if len({tuple(colour) for colour in own}) == len(labels):  # a palette that repeats colours tells nothing
            colours = own
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
    path.write_text(draft.text(), encoding="utf-8")
    return draft
