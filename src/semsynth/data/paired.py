"""The data set of every kind of files: reads, checks, resizes, crops and flips pairs of image and labels."""

from collections.abc import Sequence

import albumentations as A
import numpy as np
import torch
from PIL import Image

from semsynth.chance import seeds
from semsynth.data.epochs import EpochDataset
from semsynth.data.errors import many_faults
from semsynth.data.joint import JointTransform
from semsynth.data.mask_size import same_aspect, size_advice
from semsynth.data.masks import checked_labels
from semsynth.data.resize import PREPROCESS, Preprocess, resize_image, resize_nearest, resized_size
from semsynth.data.source import Source
from semsynth.errors import DataError
from semsynth.semantics.icpe import MergedOffsets, Offsets, at_size
from semsynth.semantics.samples import Sample


class PairedDataset(EpochDataset):
    """Samples `{image (3,H,W) float32 in [-1,1], labels (H,W) int64, name[, instances (H,W) int64][, offsets]}`.

    Random choices depend on (seed, epoch, index) alone. Offsets, (2,H,W) float32, are measured on the resized label map
    before the crop, so that a cut object keeps its centre.

    Args:
        source: The files.
        num_classes: Label channels, the unknown class included.
        size: (H,W) that the networks see.
        unknown: Index of the unknown class, which takes label 255; null where there is none.
        instances: Whether instance maps are read.
        resize_masks: Bring label and instance maps that are scaled copies to the size of their picture (nearest).
        preprocess: How a picture comes to its size; see `resized_size`.
        load_ratio: Side before the crop over side after it.
        random: Draw the place of the crop and augment; false for validation.
        flip: Flip horizontally with probability 1/2.
        flip_swaps: Pairs of classes that change places in a flipped picture, as left and right eyes; null: none.
        offsets: Whether and how offsets are made; null: none.
        augment: albumentations transforms of the image, for training.
        seed: Seed of every random choice.
        strict: Raise at the first look when files lack their partners; otherwise keep the messages in `faults`.

    Raises:
        DataError: the files are not there or lack their partners.
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        source: Source,
        *,
        num_classes: int,
        size: Sequence[int],
        unknown: int | None = None,
        instances: bool = False,
        resize_masks: bool = False,
        preprocess: Preprocess = "resize_and_crop",
        load_ratio: float = 286 / 256,
        random: bool = True,
        flip: bool = True,
        flip_swaps: Sequence[Sequence[int]] | None = None,
        offsets: Offsets | MergedOffsets | None = None,
        augment: Sequence[A.BasicTransform] = (),
        seed: int = 0,
        strict: bool = True,
    ) -> None:
        super().__init__()
        if preprocess not in PREPROCESS:
            raise ValueError(f"preprocess must be one of {', '.join(PREPROCESS)}, got {preprocess!r}")
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size must be [height, width] in pixels, got {size}")
        if load_ratio < 1:
            raise ValueError(f"load_ratio must be >= 1, got {load_ratio}")
        if unknown is not None and not 0 <= unknown < num_classes:
            raise ValueError(f"unknown must be in [0, {num_classes}), got {unknown}")
        swaps = [list(pair) for pair in flip_swaps or ()]
        ids = [label for pair in swaps for label in pair]
        if any(len(pair) != 2 for pair in swaps) or len({*ids}) < len(ids) or not {*ids} <= {*range(num_classes)}:
            raise ValueError(f"flip_swaps must be pairs of classes below {num_classes}, each class once, got {swaps}")
        self.source = source
        self.num_classes, self.unknown, self.instances = num_classes, unknown, instances
        self.resize_masks = resize_masks
        self.size = (int(size[0]), int(size[1]))
        self.preprocess, self.load_ratio = preprocess, load_ratio
        self.offsets = offsets if offsets is not None and offsets.enabled else None
        self.seed = seed
        self._cropped = preprocess == "crop" or preprocess.endswith("_and_crop")
        self._joint = JointTransform(
            self.size if self._cropped else None,
            random=random,
            flip=flip,
            flip_swaps=swaps,
            published_offsets=self.offsets is not None and self.offsets.published,
            augment=augment,
        )
        listing = source.find(instances)
        self.pairs, self.faults = listing.pairs, listing.faults
        if strict and self.faults:
            raise many_faults(self.faults)
        if strict and not self.pairs:
            raise DataError(self.emptiness)

    @property
    def title(self) -> str:
        """Name and split, for messages."""
        return f"{self.source.title} {self.source.split}"

    @property
    def emptiness(self) -> str:
        """What to say where there are no pairs."""
        return f"{self.source.root}: no {self.source.split} samples.\nExpected layout:{self.source.layout.rstrip()}"

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    @property
    def place(self) -> dict[str, str]:
        """What tells the folder of the files from others, in plain values."""
        return self.source.place

    def read(self, index: int) -> tuple[Image.Image, np.ndarray, np.ndarray | None]:
        """Read and check the files of a sample: image, labels (H,W) in [0, num_classes), instances (H,W) or None.

        Raises:
            DataError: a file is broken, a label is out of range, the sizes differ, or the crop does not fit.
        """
        image, labels, instances = self.read_image(index), self.read_labels(index), self.read_instances(index)
        self.check_sizes(index, image, labels, instances)
        return image, labels, instances

    def state(self, order: Sequence[int]) -> str:
        """What tells the images of these samples from earlier ones in the same place."""
        return self.source.state(self.pairs, order)

    def read_image(self, index: int) -> Image.Image:
        """Read the image of a sample as RGB.

        Raises:
            DataError: the file is broken.
        """
        return self.source.image_of(self.pairs[index])

    def read_labels(self, index: int) -> np.ndarray:
        """Read and check the labels of a sample: (H,W) in [0, num_classes).

        Raises:
            DataError: the file is broken or a label is out of range.
        """
        pair = self.pairs[index]
        labels = checked_labels(self.source.labels_of(pair), self.num_classes, self.unknown, pair.labels)
        return self._fitted(index, labels)

    def read_instances(self, index: int) -> np.ndarray | None:
        """Read the instance map of a sample, (H,W) int32; None where the data set uses none.

        Raises:
            DataError: the file is broken.
        """
        values = self.source.instances_of(self.pairs[index])
        return None if values is None else self._fitted(index, values)

    def _fitted(self, index: int, values: np.ndarray) -> np.ndarray:
        """Bring a map to the size of its picture, where that is wished and possible; `check_sizes` refuses the rest."""
        size = self.source.size_of(self.pairs[index]) if self.resize_masks else None
        return resize_nearest(values, size) if size is not None and same_aspect(values.shape, size) else values

    def check_sizes(
        self, index: int, image: Image.Image, labels: np.ndarray | None, instances: np.ndarray | None
    ) -> None:
        """Compare the sizes of the files of a sample, and see that the crop fits.

        Raises:
            DataError: the sizes differ, or the picture is smaller than the crop.
        """
        pair = self.pairs[index]
        for path, other in ((pair.labels, labels), (pair.instances, instances)):
            if other is not None and other.shape[::-1] != image.size:
                raise DataError(
                    f"{path}: {other.shape[1]}x{other.shape[0]} (width x height), but its image {pair.image} has "
                    f"{image.size[0]}x{image.size[1]}{size_advice(other.shape, image.size[::-1])}"
                )
        self._resized_size(index, image.height, image.width)

    def _resized_size(self, index: int, height: int, width: int) -> tuple[int, int]:
        resized = resized_size(height, width, self.size, self.preprocess, self.load_ratio)
        if self._cropped and (resized[0] < self.size[0] or resized[1] < self.size[1]):
            raise DataError(
                f"{self.pairs[index].image}: {width}x{height} (width x height) becomes {resized[1]}x{resized[0]} by "
                f"preprocess={self.preprocess}, smaller than the crop of {self.size[1]}x{self.size[0]}: set a smaller "
                "size, a larger dataset.load_ratio, or dataset.preprocess=resize_and_crop"
            )
        return resized

    def __getitem__(self, index: int) -> Sample:
        """Return one sample.

        Raises:
            DataError: as `read`.
        """
        return self._sample(index, *self.read(index))

    def photograph(self, index: int) -> Sample:
        """Return the image side of a sample, `{image, name}`; its label file is not read.

        Raises:
            DataError: as `read_image`.
        """
        return self._sample(index, self.read_image(index), None, None)

    def label_map(self, index: int) -> Sample:
        """Return the label side of a sample, `{labels, name[, instances][, offsets]}`; its image file is not read.

        Raises:
            DataError: as `read_labels`.
        """
        return self._sample(index, None, self.read_labels(index), self.read_instances(index))

    def _sample(
        self, index: int, image: Image.Image | None, labels: np.ndarray | None, instances: np.ndarray | None
    ) -> Sample:
        height, width = labels.shape if labels is not None else (image.height, image.width)  # type: ignore[union-attr]
        size = self._resized_size(index, height, width)
        # the transform takes its size from an image, where there is none from a blank one
        arrays = {"image": np.zeros((*size, 3), np.uint8) if image is None else resize_image(image, size)}
        if labels is not None:
            arrays["labels"] = resize_nearest(labels, size)
        if instances is not None:
            arrays["instances"] = resize_nearest(instances, size)
        if self.offsets is not None and labels is not None:
            arrays["offsets"] = at_size(self.offsets, labels, arrays["labels"]).transpose(1, 2, 0)
        drawn = seeds("crop and flip", self.seed, self.epoch, index).generate_state(1)
        arrays = self._joint(arrays, int(drawn[0]))
        sample: Sample = {"name": self.pairs[index].name}
        if image is not None:
            sample["image"] = _first(arrays["image"]).float().div_(127.5).sub_(1)
        if labels is not None:
            sample["labels"] = torch.from_numpy(np.ascontiguousarray(arrays["labels"])).long()
        if instances is not None:
            sample["instances"] = torch.from_numpy(np.ascontiguousarray(arrays["instances"])).long()
        if "offsets" in arrays:
            sample["offsets"] = _first(arrays["offsets"])
        return sample


def _first(array: np.ndarray) -> torch.Tensor:
    """Channels (H,W,C) first: (C,H,W)."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
