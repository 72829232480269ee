"""The real images of a split, in the order and at the size that a protocol asks for."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from semsynth import chance
from semsynth.data import decoding, pictures
from semsynth.data.epochs import EpochDataset
from semsynth.data.spread import spread_order
from semsynth.interfaces import ImageFiles, SampleSet
from semsynth.metrics import pixels
from semsynth.metrics.pixels import eight_bits, image_tensor
from semsynth.metrics.protocol import RealResize

# what else decides on the pixels: of images that are drawn, and of those that are read (depth, turns, transparency)
DRAWING = (Path(inspect.getfile(chance)),)
READING = tuple(Path(inspect.getfile(part)) for part in (decoding, pictures, pixels))


def chosen(length: int, count: int | None) -> list[int]:
    """Indices of at most `count` samples, spread over a data set of `length`; None: all, in the same order."""
    return spread_order(length)[:count]


class RealImages(Dataset):
    """Position -> image (3,H,W) float32 in [-1,1] with eight bits.

    >>> drawn = [{"image": torch.full((3, 16, 16), value)} for value in (-1.0, 0.0, 1.0)]
    >>> images = RealImages(drawn, size=(16, 16), count=2)
    >>> len(images), tuple(images[0].shape)
    (2, (3, 16, 16))

    Args:
        dataset: One of `semsynth.data`. Where it reads files they are read without its crop, flip and colour changes.
        size: (H,W)
        resize: Filter to that size; `native` keeps the files' sizes.
        count: At most as many images, spread over the data set; None: all.
    """

    def __init__(self, dataset: SampleSet, size: Sequence[int], resize: RealResize = "bicubic",
                 count: int | None = None) -> None:
        self.dataset, self.size, self.resize = dataset, (int(size[0]), int(size[1])), resize
        self.order = chosen(len(dataset), count)
        self.count = len(self.order)

    def __len__(self) -> int:
        """Number of images."""
        return self.count

    def __getitem__(self, position: int) -> Tensor:
        """Read or draw one image.

        Raises:
            DataError: its file is broken.
        """
        index = self.order[position]
        if isinstance(self.dataset, ImageFiles):
            return image_tensor(self.dataset.read_image(index), self.size, self.resize)
        return eight_bits(self.dataset[index]["image"])

    @property
    def native_sizes(self) -> bool:
        """Whether images may differ in size."""
        return self.resize == "native" and isinstance(self.dataset, ImageFiles)

    def identity(self) -> dict[str, object]:
        """Everything that moves the images, in plain values: place, split, files with their sizes and times, filter."""
        return {"dataset": dataset_identity(self.dataset, self.order), "count": self.count, "size": list(self.size),
                "resize": self.resize if isinstance(self.dataset, ImageFiles) else "drawn"}


def _code_of_drawer(kind: type) -> str:
    """SHA-256 of the source of the package that draws: another version of it draws other images."""
    file = Path(inspect.getfile(kind))
    inside = (file.parent / "__init__.py").is_file()
    return _code_of([*(sorted(file.parent.rglob("*.py")) if inside else [file]), *DRAWING])


def _code_of(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def dataset_identity(dataset: SampleSet, order: Sequence[int]) -> dict[str, object]:
    """What the samples at the indices `order` are."""
    if isinstance(dataset, ImageFiles):
        return {**dataset.place, "files": dataset.state(order), "code": _code_of(READING)}
    facts = {key: value for key, value in vars(dataset).items()
             if not key.startswith("_") and isinstance(value, str | int | float | bool | type(None) | torch.Size)}
    return {"source": type(dataset).__name__, "code": _code_of_drawer(type(dataset)), **facts,
            "epoch": dataset.epoch if isinstance(dataset, EpochDataset) else 0}
