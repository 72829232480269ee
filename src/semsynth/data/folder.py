"""Pictures and masks of one's own, in folders."""

import hashlib
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np

from semsynth.data.classes import Masks, load_classes
from semsynth.data.decoder import MaskDecoder
from semsynth.data.mask_files import instance_files, label_files, masks_of
from semsynth.data.mask_reading import reading_of
from semsynth.data.pairing import aligned, by_name
from semsynth.data.source import IMAGE_SUFFIXES, Listing, Source, files_in, match
from semsynth.errors import DataError


def validation_names(names: Iterable[str], seed: int, val_fraction: float) -> set[str]:
    """Choose the validation set among names by a hash of (seed, name): each falls into it by itself.

    Of two names or more, the first in the order of the hashes is always in it and the last one never, so that neither
    side is empty. New names thereby move at most one of the old ones: one that stood in on a side that would have been
    empty.
    """
    def place(name: str) -> int:
        key = f"{seed}:{name}".encode("utf-8", "surrogateescape")  # names of files may be of any bytes
        return int.from_bytes(hashlib.sha256(key).digest()[:8], "big")

    places = {name: place(name) for name in names}
    order = sorted(places, key=lambda name: (places[name], name))
    chosen = sum(place < val_fraction * 2**64 for place in places.values())
    return set(order[: max(1, min(chosen, len(order) - 1))])


class Folder(Source):
    """A split of one's own data.

    Masks may be grey PNGs of ids, palette PNGs, or colour-coded RGB. Ids and colours are those of ROOT/classes.yaml.
    Files pair by their paths below images/ and labels/; where no names are alike, without the endings that all share.

    Args:
        root: The folder.
        split: `train` or `val`.
        val_fraction: Part of the pairs that makes the validation set where ROOT holds one set, in (0,1).
        split_seed: Seed of that choice.
        masks: `ids` reads grey values and palette indices, `colours` reads colours; `auto` takes what classes.yaml
            says, or the one under which all masks hold classes only, see `semsynth.data.mask_reading.decide`.

    Raises:
        ValueError: an argument is out of range.
    """

    title = "folder"
    layout = """
  ROOT/classes.yaml
  ROOT/train/images/NAME.jpg   ROOT/train/labels/NAME.png   ROOT/train/instances/NAME.png (dataset.instances=true)
  ROOT/val/images/NAME.jpg     ROOT/val/labels/NAME.png     ROOT/val/instances/NAME.png
or one set, of which dataset.val_fraction is kept for validation:
  ROOT/classes.yaml
  ROOT/images/NAME.jpg         ROOT/labels/NAME.png         ROOT/instances/NAME.png
There may be sub-folders, the same ones in each; and a common ending, as in NAME_mask.png.
"""

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str,
        val_fraction: float = 0.1,
        split_seed: int = 0,
        masks: Masks = "auto",
    ) -> None:
        super().__init__(root, split)
        if not 0 < val_fraction < 1:
            raise ValueError(f"val_fraction must be in (0,1), got {val_fraction}")
        if masks not in get_args(Masks):
            raise ValueError(f"masks must be one of {', '.join(get_args(Masks))}, got {masks!r}")
        self.val_fraction, self.split_seed, self.masks = val_fraction, split_seed, masks

    @property
    def is_one_set(self) -> bool:
        """Whether ROOT holds one set, which is split by `val_fraction`."""
        return (self.root / "images").is_dir() and not (self.root / "train").is_dir()

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder is missing, or two files have one name, or there is one pair for both splits.
        """
        base = () if self.is_one_set else (self.split,)
        masks, pictures = self.folder(*base, "labels"), self.folder(*base, "images")
        images = by_name(pictures, files_in(pictures, IMAGE_SUFFIXES))
        images, labels = aligned(images, by_name(masks, label_files(masks)), "labels")
        maps = None
        if instances:
            things = self._instances(*base)
            maps = aligned(images, by_name(things, instance_files(things)), "instance maps")[1]
        listing = match(images, labels, maps)
        return self._my_side(listing) if self.is_one_set else listing

    def _my_side(self, listing: Listing) -> Listing:
        """Keep the pairs of this split of one set, and all of its faults."""
        if len(listing.pairs) == 1 and not listing.faults:
            raise DataError(f"{self.root}: {listing.pairs[0].image} is the only pair, but training and validation "
                            "need one each: add another")
        val = validation_names((pair.name for pair in listing.pairs), self.split_seed, self.val_fraction)
        return Listing([pair for pair in listing.pairs if (pair.name in val) == (self.split == "val")],
                       listing.faults)

    def _instances(self, *base: str) -> Path:
        path = self.root.joinpath(*base, "instances")
        if not path.is_dir():
            raise DataError(
                f"the folder {path} is missing: add it, or set dataset.instances=false to train without edges"
            )
        return path

    @cached_property
    def decoder(self) -> MaskDecoder:
        """Reads masks by the classes of ROOT/classes.yaml, all in one way."""
        classes = load_classes(self.root)
        reading = reading_of(classes, self.masks, lambda: masks_of(self.root))
        return MaskDecoder(classes, "ids" if reading == "auto" else reading)

    def read_labels(self, path: Path) -> np.ndarray:
        """Read a mask -> class indices (H,W); a 255 that is no class's id stays.

        Raises:
            DataError: the file is broken, or holds an unknown colour or id.
        """
        return self.decoder.read(path)
