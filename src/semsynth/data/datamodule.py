"""The loaders of a training and a validation set."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import queues
from typing import Any

import cv2
import torch
import torch.distributed
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, default_collate

from semsynth import machine
from semsynth.data.paired import PairedDataset
from semsynth.data.precheck import precheck
from semsynth.data.sampler import ResumableSampler
from semsynth.data.unpaired import Unpaired, UnpairedDataset
from semsynth.errors import DataError
from semsynth.interfaces import ChangesByEpoch, LabelSide, SampleSet, Sides
from semsynth.semantics.batch import LabelPreparation
from semsynth.semantics.samples import Sample, SampleBatch
from semsynth.threads import share

MOST_WORKERS = 256


def _start_worker(_: int) -> None:
    """Let a worker outlive the signals that stop a run, and keep OpenCV's thread pool, which survives no fork, out.

    Ctrl-C and Slurm signal every process. The main process still needs its workers then, to finish what is asked of
    them; it ends them itself, by SIGTERM where they do not listen, and they end when it dies.
    """
    cv2.setNumThreads(0)
    feeder: Any = queues.Queue  # of batches; what it does with an error is not declared
    feeder._on_queue_feeder_error = staticmethod(_give_up)
    sys.excepthook = lambda kind, error, trace: _give_up(error, None)  # of the thread that hands over its handles
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # only there the sender is known
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        threading.Thread(target=_end_by_parent, args=(os.getppid(),), daemon=True).start()


def _give_up(error: BaseException, batch: object) -> None:
    """End this process where a batch cannot be sent: without it the main process would wait for it without end."""
    words = machine.in_words(error) or f"{type(error).__name__}: {error}"
    os.write(2, f"a batch could not be handed over ({words})\n".encode())
    os._exit(1)


def _end_by_parent(parent: int) -> None:
    """Wait for a SIGTERM of the parent process and end this process."""
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != parent:
        pass
    os._exit(0)


@dataclass(frozen=True)
class _Collate:
    """Stack samples, and prepare their label maps where that is wished."""

    preparation: LabelPreparation | None = None

    def __call__(self, samples: list[Sample]) -> SampleBatch:
        """A batch.

        Raises:
            DataError: samples differ in size, or a label is out of range.
        """
        shapes = {tuple(sample["labels"].shape) for sample in samples}
        if len(shapes) > 1:
            raise DataError(
                f"a batch cannot hold pictures of different sizes {sorted(shapes)} (height, width): set batch=1, or a "
                "dataset.preprocess that ends in one size (resize_and_crop, crop, fixed, scale_..._and_crop)"
            )
        batch: SampleBatch = default_collate(samples)
        if self.preparation is None:
            return batch
        try:
            return self.preparation(batch)
        except ValueError as error:
            raise DataError(f"label maps of {', '.join(batch['name'])}: {error}") from error


class ResumableLoader(DataLoader):
    """A loader over a `ResumableSampler`, which is all that a resumed run must set.

    The two methods tell Lightning so, which otherwise warns that results would be unreliable.
    """

    def state_dict(self) -> dict[str, object]:
        """Nothing: the order follows from seed and epoch, and the sampler is told how many samples to skip."""
        return {}

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Nothing to restore."""


def _built(made: SampleSet | Callable[[], SampleSet]) -> SampleSet:
    """Build a data set; one of files keeps the faults of their names for the precheck, which tells all together."""
    if isinstance(made, SampleSet):
        return made
    return partial(made, strict=False)() if isinstance(made, partial) and made.func is PairedDataset else made()


class DataModule(LightningDataModule):
    """Loaders of batches `{image, labels, name[, instances][, offsets][, style]}`; see also `prepare_labels`.

    The order of the training samples and every random choice of a data set depend on (seed, epoch, index) alone, not
    on the number of workers. Use with `Trainer(use_distributed_sampler=False)`: the sampler splits between ranks.

    Args:
        train: The training set, or a function without arguments that builds it. Built when first needed.
        val: The validation set, likewise.
        batch: Samples in a batch, on each rank.
        num_workers: Worker processes of each loader, at most 256; null: one less than the cores that its process
            has while several train on this machine, between 0 and 8.
        seed: Seed of the sampler.
        persistent_workers: Keep the workers between epochs.
        pin_memory: Whether batches are made in pinned memory; null: where CUDA is available.
        precheck_seconds: Time spent on reading files of both sets before training, spread evenly over them; 0: none.
        unpaired: How label maps and photographs of the training set are torn apart, see `UnpairedDataset`; null or
            `as_released`: they stay together.
        paired_fraction: Share of the training set that gives `paired` in every batch, see `UnpairedDataset`.
        labels_from: Label maps for `unpaired=labels_only`.

    Raises:
        DataError: on first use, when the data is not what its reader expects, or holds less than a training batch.
        DataError: `num_workers` is out of its bounds.
        ValueError: `batch` is below 1.
    """

    def __init__(
        self,
        train: SampleSet | Callable[[], SampleSet],
        val: SampleSet | Callable[[], SampleSet],
        batch: int,
        num_workers: int | None = None,
        seed: int = 0,
        persistent_workers: bool = True,
        pin_memory: bool | None = None,
        precheck_seconds: float = 10.0,
        unpaired: Unpaired | None = None,
        paired_fraction: float = 0.0,
        labels_from: LabelSide | None = None,
    ) -> None:
        super().__init__()
        if batch < 1:
            raise ValueError(f"batch must be >= 1, got {batch}")
        if num_workers is not None and not 0 <= num_workers <= MOST_WORKERS:
            raise DataError(f"data.num_workers={num_workers} must be from 0 to {MOST_WORKERS}: more processes than "
                            f"cores wait for each other")
        self._train, self._val = train, val
        self.batch = batch
        self._num_workers = num_workers
        self.seed = seed
        self.persistent_workers = persistent_workers
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self.precheck_seconds = precheck_seconds
        self.unpaired, self.paired_fraction, self.labels_from = unpaired, paired_fraction, labels_from
        self._checked = False
        self._preparation: LabelPreparation | None = None

    @property
    def num_workers(self) -> int:
        """Worker processes of each loader."""
        processes = 1 if self.trainer is None else self.trainer.num_devices
        return min(8, share(processes) - 1) if self._num_workers is None else self._num_workers

    @cached_property
    def train_set(self) -> SampleSet:
        """The training set."""
        return _built(self._train)

    @cached_property
    def val_set(self) -> SampleSet:
        """The validation set."""
        return _built(self._val)

    @cached_property
    def streams(self) -> SampleSet:
        """What the training loader reads: the training set, or its two sides torn apart.

        Raises:
            ValueError: the sides of this training set cannot be had one at a time.
        """
        if self.unpaired is None or self.unpaired == "as_released":
            return self.train_set
        if not isinstance(self.train_set, Sides):
            raise ValueError(f"dataset.unpaired={self.unpaired}: {type(self.train_set).__name__} has no `photograph` "
                             "and `label_map`, one side of a sample at a time")
        return UnpairedDataset(self.train_set, self.unpaired, labels=self.labels_from,
                               paired_fraction=self.paired_fraction, seed=self.seed)

    def check_files(self) -> None:
        """Build both sets and read some of their files, once, so that bad data is told before networks are built.

        Raises:
            DataError: all that is wrong with the files.
        """
        if not self._checked:
            precheck((self.train_set, self.val_set), self.precheck_seconds)
        self._checked = True

    def prepare_data(self) -> None:
        """Check the files, and that there is a batch of them for each process."""
        self.check_files()
        world = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
        needed, count = self.batch * world, len(self.streams)
        if count < needed:
            raise DataError(
                f"the training set has {count} samples, less than one batch of {self.batch}"
                + (f" on each of {world} ranks" if world > 1 else "")
                + f": set batch={max(1, count // world)} or less"
            )

    def prepare_labels(self, preparation: LabelPreparation | None) -> None:
        """Have the workers of loaders that are built from now on prepare their label maps; None: no longer.

        Batches of workers are then `{image, semantics, name}` and, where they were there, `image_name` and `paired`.
        """
        self._preparation = preparation

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches; the last, smaller one is dropped."""
        return self._loader(self.streams, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """All samples, in a fixed order that is spread over the data set."""
        return self._loader(self.val_set, shuffle=False)

    def _loader(self, dataset: SampleSet, shuffle: bool) -> DataLoader:
        # without workers it would keep the networks waiting here as there, where a device may do it faster
        preparation = self._preparation if self.num_workers else None
        if preparation is not None:
            preparation = replace(preparation, backward=preparation.backward and shuffle)
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        sampler = ResumableSampler(
            len(dataset),
            seed=self.seed,
            shuffle=shuffle,
            rank=torch.distributed.get_rank() if distributed else 0,
            world=torch.distributed.get_world_size() if distributed else 1,
            on_epoch=dataset.set_epoch if shuffle and isinstance(dataset, ChangesByEpoch) else None,
        )
        read: Any = dataset  # of whatever class: torch's loader asks for its own by name, and calls no more of it
        return ResumableLoader(
            read,
            batch_size=self.batch,
            sampler=sampler,
            num_workers=self.num_workers,
            drop_last=shuffle,
            pin_memory=self.pin_memory,
            persistent_workers=self.persistent_workers and self.num_workers > 0,
            worker_init_fn=_start_worker,
            collate_fn=_Collate(preparation),
        )
