"""DeepFashion (in-shop) with label maps, as SMIS and INADE lay it out: 30,000 training and 2,247 test pictures."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from semsynth.data.masks import DONT_CARE
from semsynth.data.pairing import by_name
from semsynth.data.source import IMAGE_SUFFIXES, LABEL_SUFFIXES, Listing, Source, files_in, match
from semsynth.errors import DataError

Files = Literal["auto", "smis", "inade"]


class DeepFashion(Source):
    """A split of DeepFashion's pictures with eight classes.

    Label files hold ids, as grey values or as RGB with equal channels (INADE's). Which id stands for which class is not
    published: the names are the data set's `classes`, in the order of the ids.

    Args:
        root: The folder.
        split: `train`, or `val` for the test pictures, which the papers score on.
        files: `smis` or `inade`, see `layout`; `auto`: what is there.
        merge: The class of each id in the files, for label maps that hold a parser's own classes, as the twenty of
            CIHP_PGN; null: the ids are classes.

    Raises:
        ValueError: an argument is out of range.
    """

    title = "DeepFashion"
    layout = """
  ROOT/train/NAME.jpg       ROOT/cihp_train_mask/NAME.png      (as SMIS; test/ and cihp_test_mask/ likewise)
or
  ROOT/train_img/NAME.jpg   ROOT/train_label/NAME.png (or train_mask/)   ROOT/train_inst/NAME.png   (as INADE; test_*)
"""

    def __init__(self, root: str | os.PathLike[str], split: str, files: Files = "auto",
                 merge: Sequence[int] | None = None) -> None:
        super().__init__(root, split)
        if files not in get_args(Files):
            raise ValueError(f"files must be one of {', '.join(get_args(Files))}, got {files!r}")
        self.files = files
        self.merge = None if merge is None else np.array(merge, np.uint8)
        self.part = "train" if split == "train" else "test"

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder is missing, or both layouts are there and `files` does not choose.
            ValueError: instance maps are asked for, and SMIS's layout has none.
        """
        if not self.is_inade:
            if instances:
                raise ValueError("DeepFashion as SMIS lays it out has no instance maps: set dataset.instances=false")
            return match(self._keyed(self.folder(self.part), IMAGE_SUFFIXES),
                         self._keyed(self.folder(f"cihp_{self.part}_mask"), LABEL_SUFFIXES))
        masks = f"{self.part}_mask"
        labels = self.folder(masks if self.root.joinpath(masks).is_dir() and not
                             self.root.joinpath(f"{self.part}_label").is_dir() else f"{self.part}_label")
        maps = self._keyed(self.folder(f"{self.part}_inst"), LABEL_SUFFIXES) if instances else None
        return match(self._keyed(self.folder(f"{self.part}_img"), IMAGE_SUFFIXES), self._keyed(labels, LABEL_SUFFIXES),
                     maps)

    @property
    def is_inade(self) -> bool:
        """Whether INADE's layout is read.

        Raises:
            DataError: both layouts are there, and `files` does not choose.
        """
        if self.files != "auto":
            return self.files == "inade"
        smis, inade = ((self.root / name).is_dir() for name in ("cihp_train_mask", "train_img"))
        if smis and inade:
            raise DataError(f"{self.root}: holds cihp_train_mask/ and train_img/: set dataset.files=smis or "
                            "dataset.files=inade")
        return inade

    @staticmethod
    def _keyed(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
        return by_name(folder, files_in(folder, suffixes))

    def read_labels(self, path: Path) -> np.ndarray:
        """Read a label map: (H,W) ids of classes; 255 stays.

        Raises:
            DataError: the file is broken, or holds an id for which `merge` has no class.
        """
        ids = super().read_labels(path)
        if self.merge is None:
            return ids
        wrong = ((ids < 0) | (ids >= len(self.merge))) & (ids != DONT_CARE)
        if wrong.any():
            raise DataError(f"{path}: label id {int(ids[wrong][0])}, but dataset.merge has a class for the ids 0 to "
                            f"{len(self.merge) - 1} alone")
        return np.where(ids == DONT_CARE, DONT_CARE, self.merge[np.minimum(ids, len(self.merge) - 1)]).astype(np.uint8)
