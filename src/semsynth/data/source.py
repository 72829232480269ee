"""Where the files of a data set lie: pairs of image and labels, and what is wrong with them."""

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from semsynth.data.decoding import picture_size
from semsynth.data.masks import read_ids, read_image, read_instances
from semsynth.data.pictures import read_picture
from semsynth.errors import DataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# formats that can be without loss; whether a WebP or a TIFF is, is seen when it is read
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".webp")


@dataclass(frozen=True)
class Pair:
    """The files of one sample; `name` is its path below the folder of images, without the ending."""

    name: str
    image: Path
    labels: Path
    instances: Path | None = None


@dataclass
class Listing:
    """The complete samples of a split in natural order, and one message for each file that has no partner."""

    pairs: Sequence[Pair] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Source(ABC):
    """One split of a data set on disk. Nothing is read before `find`.

    Subclasses state the files (`find`), the layout in words, and, where label files do not hold plain ids, how they
    are read (`read_labels`).
    """

    title: str  # the name of the data set in messages
    layout: str  # the expected layout in words

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        if split not in ("train", "val"):
            raise ValueError(f"split must be 'train' or 'val', got {split!r}")
        self.root = Path(root).expanduser()
        self.split = split

    @abstractmethod
    def find(self, instances: bool) -> Listing:
        """List the samples of the split, with instance maps where asked for.

        Raises:
            DataError: the root, or a folder of the layout, is missing, or there is nothing in it.
        """

    def read_labels(self, path: Path) -> np.ndarray:
        """Read a label map: (H,W) integer ids, as they are in the file."""
        return read_ids(path)

    @property
    def place(self) -> dict[str, str]:
        """What tells the folder of the files from others, in plain values."""
        return {"source": type(self).__name__, "root": str(self.root.resolve()), "split": self.split}

    def state(self, pairs: Sequence[Pair], order: Iterable[int]) -> str:
        """What tells the images at the places `order` from others of the same names: sizes and times, as SHA-256."""
        digest = hashlib.sha256()
        for index in order:
            path = pairs[index].image
            found = path.stat()
            line = f"{path.name}\0{found.st_size}\0{found.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def image_of(self, pair: Pair) -> Image.Image:
        """Read the image of a sample as 8-bit RGB."""
        return read_image(pair.image)

    def picture_of(self, pair: Pair) -> tuple[Image.Image, list[str]]:
        """Read the same, and say what was done to it, see `semsynth.data.pictures.read_picture`."""
        return read_picture(pair.image)

    def size_of(self, pair: Pair) -> tuple[int, int]:
        """(H,W) of the image of a sample, from its header."""
        return picture_size(pair.image)

    def labels_of(self, pair: Pair) -> np.ndarray:
        """Read the label map of a sample, see `read_labels`."""
        return self.read_labels(pair.labels)

    def instances_of(self, pair: Pair) -> np.ndarray | None:
        """Read the instance map of a sample, (H,W) int32; None where the listing has none."""
        return None if pair.instances is None else read_instances(pair.instances)

    def folder(self, *parts: str) -> Path:
        """Return root/parts.

        Raises:
            DataError: it is not a folder; says what is expected and where it was looked for.
        """
        path = self.root.joinpath(*parts)
        if path.is_dir():
            return path
        if self.root.is_dir():
            missing = f"the folder {path} is missing"
        else:
            place = "" if self.root.is_absolute() else f" (that is {self.root.absolute()})"
            missing = f"there is no folder {self.root}{place}"
        data = os.environ.get("SEMSYNTH_DATA")
        variable = f"SEMSYNTH_DATA is {data!r}" if data else "SEMSYNTH_DATA is not set, so 'data' is taken"
        raise DataError(
            f"{self.title}: {missing}.\nExpected layout:{self.layout.rstrip()}\n"
            f"Set dataset.root=DIR to its place, or the environment variable SEMSYNTH_DATA to the folder that holds "
            f"the data sets ({variable})."
        )


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key by which `a2` comes before `a10`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"([0-9]+)", text) if part]


def files_in(folder: Path, suffixes: Iterable[str] | None = None) -> list[Path]:
    """List the files below a folder with one of the suffixes (any case; None: all), in natural order.

    Follows links; leaves out hidden files and folders, and links to a folder that they lie in.
    """
    wanted = None if suffixes is None else tuple(suffixes)
    files: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and not _leads_back(place, name)]
        files += [Path(place, name) for name in names if not name.startswith(".")]
    files = [path for path in files if wanted is None or path.suffix.lower() in wanted]
    return sorted(files, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def _leads_back(place: str, name: str) -> bool:
    """Tell whether a sub-folder is a link to a folder that it lies in, where a walk would never end."""
    path = os.path.join(place, name)
    return os.path.islink(path) and Path(place).resolve().is_relative_to(Path(path).resolve())


def match(
    images: Mapping[str, Path],
    labels: Mapping[str, Path],
    instances: Mapping[str, Path] | None = None,
) -> Listing:
    """Pair files by key; a file without its partner becomes a fault.

    `instances` is None where instance maps are not used.
    """
    pairs: list[Pair] = []
    faults: list[str] = []
    for key, image in images.items():
        if key not in labels:
            faults.append(
                f"{image}: image without labels (no label file for {key!r}): add it or remove the image"
            )
            continue
        if instances is not None and key not in instances:
            faults.append(
                f"{image}: no instance map for {key!r}: add it, or set dataset.instances=false to train without edges"
            )
            continue
        pairs.append(Pair(key, image, labels[key], None if instances is None else instances[key]))
    for key, path in labels.items():
        if key not in images:
            faults.append(f"{path}: labels without an image (none for {key!r}): add it or remove the labels")
    return Listing(pairs, faults)
