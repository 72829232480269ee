"""The label maps that are judged: of a run's data set, or beside a folder of anybody's images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from semsynth.data.decoding import picture_size
from semsynth.data.mask_files import label_files
from semsynth.data.mask_size import same_aspect
from semsynth.data.masks import checked_labels, read_image
from semsynth.data.pairing import aligned, by_name
from semsynth.data.source import IMAGE_SUFFIXES, LABEL_SUFFIXES, files_in
from semsynth.errors import EvaluationError
from semsynth.evaluation.report import CONFUSION_PLOT, IOU_PLOT
from semsynth.interfaces import KnowsColours, LabelFiles, SampleSet
from semsynth.metrics.pixels import common_size, image_tensor, labels_at
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import chosen
from semsynth.semantics.samples import Sample, SampleBatch
from semsynth.synthesis.pictures import GRID

SHOWN = 5  # files that an error lists
OURS = (GRID, IOU_PLOT, CONFUSION_PLOT)  # what synthesize.py and an earlier evaluation leave among images


class JudgedSample(Sample, total=False):
    """A sample with the label map (h,w) int64 to compare with, `truth`, or an image of such a map, `fake` (3,H,W).

    `colours` (6,H,W) and `objects` (H,W), where the data set knows them, see `semsynth.interfaces.KnowsColours`.
    """

    truth: Tensor
    fake: Tensor
    colours: Tensor
    objects: Tensor


class JudgedBatch(SampleBatch, total=False):
    """A batch of them; the label maps to compare with stay a list, since they may differ in size."""

    truth: list[Tensor]
    fake: Tensor
    colours: Tensor
    objects: Tensor


def known_of(batch: JudgedBatch) -> dict[str, Tensor]:
    """What the data set knows of the samples beside labels and style, see `semsynth.interfaces.KnowsColours`."""
    return {key: batch[key] for key in ("colours", "objects") if key in batch}  # type: ignore[literal-required]


def collate(samples: list[JudgedSample]) -> JudgedBatch:
    """A batch."""
    truths = [sample.pop("truth") for sample in samples]
    batch: JudgedBatch = default_collate(samples)
    batch["truth"] = truths
    return batch


class JudgedMaps(Dataset[JudgedSample]):
    """Samples of a data set in the spread order, with `truth` (h,w) int64, the label map to compare with.

    Args:
        dataset: One of `semsynth.data`.
        protocol: Its `count`, `label_size` and `label_resize`.
        colours: Whether samples hold the colours of their objects, where the data set knows them.
    """

    def __init__(self, dataset: SampleSet, protocol: Protocol, colours: bool = False) -> None:
        self.dataset, self.protocol = dataset, protocol
        self.colours = colours and isinstance(dataset, KnowsColours)
        self.order = chosen(len(dataset), protocol.count)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.order)

    def __getitem__(self, position: int) -> JudgedSample:
        """Read or draw one sample.

        Raises:
            DataError: its files are broken.
        """
        index = self.order[position]
        drawn = self.dataset[index]
        sample: JudgedSample = {**drawn, "truth": drawn["labels"]}
        as_drawn = (self.protocol.label_size, self.protocol.label_resize) == ("image", "nearest")
        if isinstance(self.dataset, LabelFiles) and not as_drawn:
            size = None if self.protocol.label_size == "native" else common_size(drawn["labels"])
            sample["truth"] = labels_at(self.dataset.read_labels(index), size, self.protocol.label_resize)
        if self.colours and isinstance(self.dataset, KnowsColours):
            known = self.dataset.colours(index)
            sample["colours"], sample["objects"] = known["colours"], known["objects"]
        return sample


class ImageFolder(Dataset[JudgedSample]):
    """Images made by anything, with the label maps that they were made from, paired as those of a data set.

    That is by their paths below the two folders, Cityscapes' files by their frames, or by what is left without the
    ending that all names of a folder share. Everything that the names and the sizes tell is checked at once; `squashed`
    lists the label maps of another aspect than the images.

    Args:
        images: Folder of images.
        labels: Folder of label maps.
        decode: Class ids (H,W) from a label file, see `semsynth.synthesis.maps.mask_decoder`.
        num_classes: Label channels.
        unknown: Index of the unknown class, which takes label 255, or None.
        protocol: Its `count`, `label_size` and `label_resize`.

    Raises:
        EvaluationError: no folder, files without a partner, fewer than two images, or images of different sizes.
        DataError: a file is broken, or two have the same stem.
    """

    def __init__(self, images: str | Path, labels: str | Path, decode: Callable[[Path], np.ndarray], num_classes: int,
                 unknown: int | None, protocol: Protocol) -> None:
        self.decode, self.num_classes, self.unknown, self.protocol = decode, num_classes, unknown, protocol
        self.folder = Path(images).expanduser()
        masks = Path(labels).expanduser()
        pictures, maps = aligned(by_name(self.folder, _images(self.folder)), by_name(masks, _labels(masks)), "labels")
        _check_pairs(pictures, maps)
        self.pairs = [(path, maps[stem]) for stem, path in pictures.items()]
        if len(self.pairs) < 2:
            raise EvaluationError(f"images={images}: scores need two or more images, there is {len(self.pairs)}")
        self.size = _one_size([path for path, _ in self.pairs])
        self.squashed = [mask for _, mask in self.pairs if not same_aspect(picture_size(mask), self.size)]
        self.order = chosen(len(self.pairs), protocol.count)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.order)

    def __getitem__(self, position: int) -> JudgedSample:
        """Read an image and its label map.

        Raises:
            DataError: a file is broken, or a label is out of range.
        """
        picture, mask = self.pairs[self.order[position]]
        image = image_tensor(read_image(picture), None, "native")
        labels = checked_labels(self.decode(mask), self.num_classes, self.unknown, mask)
        if labels.shape == self.size[::-1] != self.size:
            raise EvaluationError(f"{mask}: {labels.shape[1]}x{labels.shape[0]} (width x height), but its image "
                                  f"{picture} has {self.size[1]}x{self.size[0]}: one of them is turned")
        size = None if self.protocol.label_size == "native" else self.size
        return {"fake": image, "truth": labels_at(labels, size, self.protocol.label_resize), "name": picture.name}


def _images(folder: Path) -> list[Path]:
    """The images below a folder, without what our own commands left there."""
    found = _files(folder, lambda: files_in(folder, IMAGE_SUFFIXES), IMAGE_SUFFIXES, "images")
    return [path for path in found if path.relative_to(folder) not in OURS]


def _labels(folder: Path) -> list[Path]:
    return _files(folder, lambda: label_files(folder), LABEL_SUFFIXES, "labels")


def _files(folder: Path, find: Callable[[], list[Path]], suffixes: Sequence[str], key: str) -> list[Path]:
    if not folder.is_dir():
        raise EvaluationError(f"{key}={folder}: there is no such folder")
    found = find()
    if not found:
        raise EvaluationError(f"{key}={folder}: no files with {', '.join(suffixes)} in this folder")
    return found


def _check_pairs(pictures: dict[str, Path], maps: dict[str, Path]) -> None:
    lone = [f"{path}: an image without a label map of its name" for stem, path in pictures.items() if stem not in maps]
    lone += [f"{path}: a label map without an image of its name" for stem, path in maps.items() if stem not in pictures]
    if lone:
        more = f"\n... and {len(lone) - SHOWN} more" if len(lone) > SHOWN else ""
        raise EvaluationError("images and labels pair by their paths below the two folders, but\n"
                              + "\n".join(lone[:SHOWN]) + more)


def _one_size(paths: Sequence[Path]) -> tuple[int, int]:
    """(H,W) of all images, from their headers."""
    first: tuple[int, int] | None = None
    for path in paths:
        size = picture_size(path)
        first = first or size
        if size != first:
            raise EvaluationError(f"{path}: {size[1]}x{size[0]} (width x height), but {paths[0]} has "
                                  f"{first[1]}x{first[0]}: bring all images to one size")
    assert first is not None
    return first
