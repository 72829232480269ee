"""The epoch of a data set, which every random choice in it depends on."""

import torch
from torch.utils.data import Dataset

from semsynth.semantics.samples import Sample


class EpochDataset(Dataset[Sample]):
    """A data set whose random choices follow from (seed, epoch, index), in workers that live on, too."""

    def __init__(self) -> None:
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # so that running workers see the next one

    @property
    def epoch(self) -> int:
        """The epoch, from 0."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose random choices follow."""
        self._epoch.fill_(epoch)
