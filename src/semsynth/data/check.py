"""A whole data set, file by file: every fault, and how often each class occurs."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from semsynth.data.paired import PairedDataset
from semsynth.errors import DataError
from semsynth.sharing import batches, mine, shared
from semsynth.threads import share

T = TypeVar("T")
PIECE = 64  # samples that a process reads before it tells the others


@dataclass
class SplitReport:
    """What a split holds: `pixels` and `pictures` (K,) count each class; `faults` are messages that name files.

    `changes` counts the pictures to which more was done than to decode them, see `semsynth.data.pictures.changes`.
    """

    samples: int
    pixels: np.ndarray
    pictures: np.ndarray
    faults: list[str] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)

    @property
    def shares(self) -> np.ndarray:
        """Part of the pixels that each class covers, (K,) in [0,1]."""
        return self.pixels / max(1, self.pixels.sum())


@dataclass
class Inspected:
    """A sample: all faults, at most one for each file and one for sizes; its pixels of each class (K,); `changes`."""

    faults: list[str]
    pixels: np.ndarray
    changes: list[str]


def inspect_sample(dataset: PairedDataset, index: int) -> Inspected:
    """Read the files of a sample."""
    faults: list[str] = []

    def attempt(read: Callable[[int], T]) -> T | None:
        try:
            return read(index)
        except DataError as error:
            faults.append(str(error))
            return None

    image, changes = attempt(lambda index: dataset.source.picture_of(dataset.pairs[index])) or (None, [])
    labels = attempt(dataset.read_labels)
    instances = attempt(dataset.read_instances)
    if image is not None:
        attempt(lambda index: dataset.check_sizes(index, image, labels, instances))
    if labels is None:
        return Inspected(faults, np.zeros(dataset.num_classes, np.int64), changes)
    return Inspected(faults, np.bincount(labels.ravel(), minlength=dataset.num_classes), changes)


def scan(
    dataset: PairedDataset,
    progress: Callable[[Iterable[Inspected]], Iterable[Inspected]] = iter,
    threads: int | None = None,
) -> SplitReport:
    """Read every file of a data set that was built with `strict=False`; several processes share the samples.

    Args:
        dataset: The split.
        progress: Wraps the iteration over samples, to show a progress bar.
        threads: Files read at once; null: one for each core of this process.
    """
    report = SplitReport(
        len(dataset),
        np.zeros(dataset.num_classes, np.int64),
        np.zeros(dataset.num_classes, np.int64),
        list(dataset.faults),
    )
    if not dataset.pairs and not dataset.faults:
        report.faults.append(f"{dataset.source.root}: no {dataset.source.split} samples")
    for sample in progress(_in_order(dataset, threads or share(int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))):
        report.faults += sample.faults
        report.pixels += sample.pixels
        report.pictures += sample.pixels > 0
        report.changes.update(sample.changes)
    return report


def _in_order(dataset: PairedDataset, threads: int) -> Iterator[Inspected]:
    """Inspect the samples on several threads, in order; decoding runs outside the interpreter's lock."""
    pieces = batches(len(dataset), PIECE)
    with ThreadPoolExecutor(threads) as pool:
        def inspected(piece: list[int]) -> list[Inspected]:
            return list(pool.map(lambda index: inspect_sample(dataset, index), piece))

        for found in shared(mine(pieces), inspected, len(pieces), "files"):
            yield from found
