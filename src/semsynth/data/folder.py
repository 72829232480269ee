"""Pictures and masks of one's own, in folders."""

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np

from semsynth.data.classes import Masks, load_classes
from semsynth.data.decoder import MaskDecoder
from semsynth.data.errors import DataError
from semsynth.data.mask_files import label_files, masks_of
from semsynth.data.mask_reading import reading_of
from semsynth.data.source import IMAGE_SUFFIXES, Listing, Pair, Source, by_stem, files_in, match


def falls_into_val(stem: str, seed: int, val_fraction: float) -> bool:
    """Decide by a hash of (seed, stem), so that new files never move the old ones between the splits."""
    digest = hashlib.sha256(f"{seed}:{stem}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < val_fraction * 2**64


class Folder(Source):
    """A split of one's own data.

    Masks may be grey PNGs of ids, palette PNGs, or colour-coded RGB. Ids and colours are those of ROOT/classes.yaml.

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
            DataError: a folder is missing, or no pair falls into this split.
        """
        base = () if self.is_one_set else (self.split,)
        labels = by_stem(label_files(self.folder(*base, "labels")))
        maps = by_stem(label_files(self._instances(*base))) if instances else None
        listing = match(by_stem(files_in(self.folder(*base, "images"), IMAGE_SUFFIXES)), labels, maps)
        if self.is_one_set and listing.pairs:
            listing.pairs = [pair for pair in listing.pairs if self._is_mine(pair)]
            if not listing.pairs:
                raise DataError(
                    f"{self.root}: no pair falls into {self.split} with dataset.val_fraction={self.val_fraction}: "
                    "change it, or make folders train/ and val/"
                )
        return listing

    def _is_mine(self, pair: Pair) -> bool:
        return falls_into_val(pair.name, self.split_seed, self.val_fraction) == (self.split == "val")

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
