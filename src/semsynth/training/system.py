"""What callbacks see of a training, and of its loaders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
from torch import Tensor

from semsynth.interfaces import Generator, SampleSet, StyleEncoder
from semsynth.semantics.samples import Sample, SampleBatch
from semsynth.style import Normal
from semsynth.training.observed import Observed


class System(Observed, ABC):
    """A training of a generator that says where its optimizer steps are.

    Attributes:
        generator: What is trained.
        encoder: Says the style of images; None: the generator draws styles.
        accumulate: Batches for each optimizer step.
        stepped: Whether the last batch ended with an optimizer step, so that nothing is pending.
        compile_networks: Whether a compiler makes the networks.
        normal: Makes the numbers that styles are drawn from; None: torch's own random state.
        chance: What a batch draws once is drawn from it, the same in all processes; None: from torch's own.
    """

    generator: Generator
    encoder: StyleEncoder | None
    accumulate: int = 1
    stepped: bool = True
    compile_networks: bool = False
    normal: Normal | None = None
    chance: torch.Generator | None = None

    @property
    def pending(self) -> int:
        """Batches that wait for the others of their optimizer step."""
        return 0

    @abstractmethod
    def generate(self, batch: SampleBatch) -> Tensor:
        """Images (N,3,H,W) for the label maps of a batch."""


def system_of(pl_module: pl.LightningModule) -> System:
    """A module as the system that it is.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(pl_module, System):
        raise TypeError(f"{type(pl_module).__name__} is no semsynth.training.system.System, whose optimizer steps this "
                        "callback follows")
    return pl_module


@runtime_checkable
class Batches(Protocol):
    """Loaders that say how large their batches are.

    Attributes:
        batch: Samples in a batch, on each rank.
    """

    batch: int


@runtime_checkable
class ChecksFiles(Protocol):
    """Loaders that read some of their files before anything is built for them; others need not."""

    def check_files(self) -> None:
        """Raise a DataError of all that is wrong."""


class PlacedSampler(Protocol):
    """The order of one rank's samples, which can begin anywhere, see `semsynth.data.sampler.ResumableSampler`.

    Attributes:
        length: Samples of the data set.
        world: Processes that share it.
    """

    length: int
    world: int

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the following iterations."""

    def skip(self, samples: int) -> None:
        """Leave out the first `samples` of the common order in the epoch that is set."""


class TrainingLoader(Protocol):
    """What is asked of the loader of the training set.

    Attributes:
        batch_size: Samples in a batch, on each rank.
        dataset: The training set.
        sampler: Its order.
        collate_fn: Samples to a batch.
    """

    batch_size: int
    dataset: SampleSet
    sampler: PlacedSampler
    collate_fn: Callable[[list[Sample]], SampleBatch]

    def __len__(self) -> int:
        """Batches in an epoch."""


def training_loader(trainer: pl.Trainer) -> TrainingLoader:
    """The loader of the training set, while a trainer trains."""
    loader: TrainingLoader | None = trainer.train_dataloader
    assert loader is not None
    return loader
