"""Two streams: label maps, and photographs that do not belong to them."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from semsynth.chance import stream
from semsynth.data.epochs import EpochDataset
from semsynth.errors import DataError
from semsynth.interfaces import ChangesByEpoch, LabelSide, Settles, Sides
from semsynth.semantics.samples import Sample

Unpaired = Literal["shuffled", "disjoint", "labels_only", "as_released"]


class UnpairedDataset(EpochDataset):
    """Label maps of one stream beside photographs of another, with an order of its own every epoch.

    A sample is `{labels, name[, instances][, offsets], image, image_name}`, and `paired`, a whole sample of a fixed
    part of the training set, where such a part is asked for. All depends on (seed, epoch, index) alone.

    - `shuffled`: both streams run through the whole set; the photograph of a label map never stands beside it.
    - `disjoint`: label maps of the first half of the files, photographs of the second (of an odd number, the middle one
      is left out). Halves, and not a draw: neighbouring frames of a video would tell what the draw hides.
    - `labels_only`: label maps from elsewhere, photographs of the set.

    Args:
        photographs: The training set.
        mode: Of the above.
        labels: With `labels_only`, where the label maps come from.
        paired_fraction: Share of the training set whose pairs are known, in [0, 1]; one of them comes with each sample.
        seed: Of the orders.

    Raises:
        DataError: too few samples.
        ValueError: an unknown mode, a share out of range, or label maps from elsewhere without `labels_only`.
    """

    def __init__(self, photographs: Sides, mode: Unpaired, *, labels: LabelSide | None = None,
                 paired_fraction: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        if mode not in get_args(Unpaired) or mode == "as_released":
            raise ValueError(f"dataset.unpaired must be shuffled, disjoint or labels_only, got {mode!r}")
        if not 0 <= paired_fraction <= 1:
            raise ValueError(f"dataset.paired_fraction must be in [0, 1], got {paired_fraction}")
        if (labels is not None) != (mode == "labels_only"):
            raise ValueError("dataset.labels_from and dataset.unpaired=labels_only belong together: "
                             "labels_from=scenes, the name of another data set, or a folder of label maps")
        self.photographs = photographs
        self.labels: LabelSide = photographs if labels is None else labels
        self.mode, self.seed = mode, seed
        count = len(photographs)
        if mode != "labels_only" and count < 2:
            raise DataError(f"dataset.unpaired={mode} needs two or more training samples, there are {count}")
        # which indices each stream runs through
        half = count // 2
        self._of_labels = np.arange(half if mode == "disjoint" else len(self.labels))
        self._of_photographs = np.arange(count - half, count) if mode == "disjoint" else np.arange(count)
        # `settled` where a set shows other samples every epoch: what is known of pairs must stay the same
        self.paired = photographs.settled() if isinstance(photographs, Settles) else photographs
        known = round(paired_fraction * count)
        if paired_fraction and not known:
            raise DataError(f"dataset.paired_fraction={paired_fraction} of {count} training samples is not even one")
        self.known = np.linspace(0, count - 1, known).round().astype(int)

    def __len__(self) -> int:
        """Samples in an epoch: as many as there are photographs in their stream."""
        return len(self._of_photographs)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose orders and random choices follow, also in both streams."""
        super().set_epoch(epoch)
        for dataset in (self.photographs, self.labels):
            if isinstance(dataset, ChangesByEpoch):
                dataset.set_epoch(epoch)

    def _label_index(self, index: int, epoch: int) -> int:
        """Which label map stands beside photograph `index` of the stream."""
        if self.mode == "shuffled":
            return int(_successors(len(self), self.seed, epoch)[index])
        count = len(self._of_labels)
        lap = index // count  # where there are fewer label maps than photographs
        return int(self._of_labels[_permutation(count, self.seed, epoch, lap)[index % count]])

    def __getitem__(self, index: int) -> Sample:
        """Return one sample.

        Raises:
            DataError: a file is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} samples")
        epoch = self.epoch
        photograph = self.photographs.photograph(int(self._of_photographs[index]))
        sample = self.labels.label_map(self._label_index(index, epoch))
        sample["image"], sample["image_name"] = photograph["image"], photograph["name"]
        if len(self.known):
            drawn = stream("known pair", self.seed, epoch, index).integers(len(self.known))
            sample["paired"] = self.paired[int(self.known[drawn])]
        return sample


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int, lap: int) -> np.ndarray:
    return stream("order of the label maps", seed, epoch, lap).permutation(count)


@lru_cache(maxsize=2)
def _successors(count: int, seed: int, epoch: int) -> np.ndarray:
    """For every index another one, all different: a cycle through all in random order."""
    order = stream("cycle of the label maps", seed, epoch).permutation(count)
    following = np.empty_like(order)
    following[order] = np.roll(order, -1)
    return following
