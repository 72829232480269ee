"""CelebAMask-HQ (arXiv:1907.11922): 30,000 faces with masks of 18 parts, in its own layout or in SEAN's."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from semsynth.data.masks import read_mask
from semsynth.data.source import Listing, Pair, Source, files_in, match
from semsynth.errors import DataError

# the order in which the released code paints them, later ones over earlier ones; the ids follow it, 0 is the rest
PARTS = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip",
         "hair", "hat", "ear_r", "neck_l", "neck", "cloth")
PER_FOLDER = 2000  # pictures whose masks share a folder
FIRST_TEST = 28_000  # of the split by number
FIRST_VAL, FIRST_CELEBA_TEST = 162_771, 182_638  # of CelebA's own partition, by the numbers of its pictures
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
_MASK = re.compile(r"(\d+)_(\w+)")

Files = Literal["auto", "official", "sean"]
Partition = Literal["numbers", "celeba"]


class CelebAMaskHQ(Source):
    """A split of CelebAMask-HQ; label maps are merged from the masks of the parts, of half the side of the pictures.

    Where instance maps are asked for, the label map is one: a region of a class is an instance (INADE). The released
    mask of a part need not exist, so that a file that was lost is not noticed.

    Args:
        root: The folder that holds CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/, or train/ and test/.
        split: `train`, or `val` for the test pictures, which the papers score on.
        files: `official` reads the data set's own layout, `sean` label maps that are merged already; `auto` what is
            there.
        partition: `numbers`: train 0..27999 and test 28000..29999, as SEAN, SCDM, INADE and CLADE split. `celeba`:
            CelebA's partition, 24,183 and 2,824 pictures, by which the published judge was trained (some of the test
            pictures of `numbers` were its training pictures); CelebA's validation pictures are in neither split.

    Raises:
        ValueError: an argument is out of range.
    """

    title = "CelebAMask-HQ"
    layout = f"""
  ROOT/CelebA-HQ-img/0.jpg   ROOT/CelebAMask-HQ-mask-anno/0/00000_skin.png (2,000 pictures a folder, a mask a part)
or, merged as for SEAN:
  ROOT/train/images/0.jpg        ROOT/train/labels/0.png
  ROOT/test/images/28000.jpg     ROOT/test/labels/28000.png
ROOT/{MAPPING} is read with dataset.partition=celeba.
"""

    def __init__(self, root: str | os.PathLike[str], split: str, files: Files = "auto",
                 partition: Partition = "numbers") -> None:
        super().__init__(root, split)
        for name, value, choices in (("files", files, Files), ("partition", partition, Partition)):
            if value not in get_args(choices):
                raise ValueError(f"{name} must be one of {', '.join(get_args(choices))}, got {value!r}")
        self.files, self.partition = files, partition

    def find(self, instances: bool) -> Listing:
        """List the samples, by the numbers of the pictures.

        Raises:
            DataError: a folder is missing, or the partition's file is missing or broken.
        """
        images, labels = self._official() if self.is_official else self._merged()
        return match(images, labels, labels if instances else None)

    @property
    def is_official(self) -> bool:
        """Whether masks of parts are read.

        Raises:
            DataError: both layouts are there, and `files` does not choose.
        """
        if self.files != "auto":
            return self.files == "official"
        official, merged = (self.root / "CelebA-HQ-img").is_dir(), (self.root / "train/images").is_dir()
        if official and merged:
            raise DataError(f"{self.root}: holds CelebA-HQ-img/ and train/images/: set dataset.files=official or "
                            "dataset.files=sean")
        return not merged

    def _official(self) -> tuple[dict[str, Path], dict[str, Path]]:
        pictures, masks = self.folder("CelebA-HQ-img"), self.folder("CelebAMask-HQ-mask-anno")
        images = {path.stem: path for path in files_in(pictures, (".jpg", ".png")) if path.stem.isdecimal()}
        labels: dict[str, Path] = {}
        for folder in sorted({int(number) // PER_FOLDER for number in images}):
            place = masks / str(folder)
            for name in sorted(os.listdir(place)) if place.is_dir() else ():
                found = _MASK.fullmatch(Path(name).stem)
                if found and found[2] in PARTS and name.endswith(".png"):
                    labels.setdefault(str(int(found[1])), place / name)
        return self._mine(images), self._mine(labels)

    def _merged(self) -> tuple[dict[str, Path], dict[str, Path]]:
        own = "train" if self.split == "train" else "test"
        images: dict[str, Path] = {}
        labels: dict[str, Path] = {}
        for part in (own,) if self.partition == "numbers" else ("train", "test"):
            images |= {path.stem: path for path in files_in(self.folder(part, "images"), (".jpg", ".png"))}
            labels |= {path.stem: path for path in files_in(self.folder(part, "labels"), (".png",))}
        return (images, labels) if self.partition == "numbers" else (self._mine(images), self._mine(labels))

    def _mine(self, files: dict[str, Path]) -> dict[str, Path]:
        """Keep the files of this split, keyed by number."""
        train = self.split == "train"
        if self.partition == "numbers":
            return {number: path for number, path in files.items() if (int(number) < FIRST_TEST) == train}
        originals = read_mapping(self.root / MAPPING)
        lost = [number for number in files if number not in originals]
        if lost:
            raise DataError(f"{self.root / MAPPING}: has no line for {files[lost[0]]}")
        return {number: path for number, path in files.items()
                if (originals[number] < FIRST_VAL if train else originals[number] >= FIRST_CELEBA_TEST)}

    def read_labels(self, path: Path) -> np.ndarray:
        """Read a label map (H,W) uint8; of the official layout, merge it from all masks that lie beside one of them.

        Raises:
            DataError: a file is broken, or masks of a picture differ in size.
        """
        return merge(path) if self.is_official else super().read_labels(path)

    def instances_of(self, pair: Pair) -> np.ndarray | None:
        """The label map, in which a region of a class is an instance, (H,W) int32; None where none is asked for."""
        return None if pair.instances is None else self.labels_of(pair).astype(np.int32)


def merge(path: Path) -> np.ndarray:
    """Merge the masks of a picture, named by one of them, to ids (H,W) uint8, in the order of `PARTS`.

    A pixel belongs to a part where the mask's first channel is not 0.

    Raises:
        DataError: a mask is broken, or of another size than the others.
    """
    number = path.stem.split("_")[0]
    labels: np.ndarray | None = None
    for label, part in enumerate(PARTS, 1):
        mask = path.with_name(f"{number}_{part}.png")
        if not mask.is_file():
            continue
        pixels = read_mask(mask).pixels
        inside = (pixels if pixels.ndim == 2 else pixels[:, :, 0]) != 0
        if labels is None:
            labels = np.zeros(inside.shape, np.uint8)
        if inside.shape != labels.shape:
            raise DataError(f"{mask}: {inside.shape[1]}x{inside.shape[0]} (width x height), but other masks of this "
                            f"picture have {labels.shape[1]}x{labels.shape[0]}: take the published file")
        labels[inside] = label
    if labels is None:
        raise DataError(f"{path}: no mask of a part of this picture is there")
    return labels


def read_mapping(path: Path) -> Mapping[str, int]:
    """Read which picture of CelebA every picture is: number -> CelebA's, from the file that comes with CelebA-HQ.

    Raises:
        DataError: the file is missing, or a line does not begin with two numbers.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing, which tells CelebA's partition; it comes with CelebAMask-HQ. "
                        "dataset.partition=numbers splits without it")
    originals = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for place, line in enumerate(lines[1:], 2):
        fields = line.split()
        if not fields:
            continue
        if len(fields) < 2 or not (fields[0].isdecimal() and fields[1].isdecimal()):
            raise DataError(f"{path}: line {place} should begin with two numbers (idx, orig_idx), got {line[:80]!r}")
        originals[str(int(fields[0]))] = int(fields[1])
    return originals
