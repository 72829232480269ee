"""Every batch starts from its own seed."""

import random

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from semsynth.chance import seeds
from semsynth.training.system import System


def seed_all(use: str, *numbers: int) -> None:
    """Seed torch (all devices), numpy and python, each on its own, for a use of chance: see `semsynth.chance`."""
    of_torch, of_numpy, of_python = _spawned(use, *numbers)
    torch.manual_seed(_number(of_torch))
    np.random.seed(of_numpy.generate_state(4))
    random.seed(of_python.generate_state(4).tobytes())


def _spawned(use: str, *numbers: int) -> list[np.random.SeedSequence]:
    return seeds(use, *numbers).spawn(3)


def _number(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1, np.uint64)[0])


class OfTheWhole:
    """N(0, 1) numbers for the samples of a batch of all processes, of which each takes those of its own samples.

    Process r of W has every W-th sample of the batch, from r on, as `semsynth.data.sampler.ResumableSampler` gives them
    out: every sample has the numbers that it has in one process with the whole batch.

    Args:
        seed: The same in all processes.
        device: Where the numbers are made; one process draws the same only on the same kind.
        rank: This process, in [0, world).
        world: Processes that share the batch.

    Attributes:
        chance: The random state, which is in all processes the same.
    """

    def __init__(self, seed: int, device: torch.device, rank: int, world: int) -> None:
        self.chance = torch.Generator(device).manual_seed(seed)
        self._rank, self._world = rank, world

    def __call__(self, shape: tuple[int, ...], /) -> Tensor:
        """The numbers of this process's samples."""
        whole = (shape[0] * self._world, *shape[1:])
        return torch.randn(whole, generator=self.chance, device=self.chance.device)[self._rank::self._world]


class SeededBatches(pl.Callback):
    """Seed the generators of torch, numpy and python from (seed, epoch, batch, process) before every batch.

    What a batch draws (style vectors, noise, dropout) then depends on its place in training alone: not on how often
    validation ran, and not on whether the run was interrupted before. Validation batches repeat the same draws at every
    validation, so that panels of different epochs can be compared.

    Several processes draw the styles that one would draw for their samples, see `OfTheWhole`, and from the same state
    what losses draw once for a batch (`LossInputs.chance`); what else they draw differs.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                             batch_idx: int) -> None:
        """Seed a training batch."""
        self._seed(trainer, pl_module, "training batch", trainer.current_epoch, batch_idx)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed what happens before the first validation batch."""
        self._seed(trainer, pl_module, "start of validation")

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                                  batch_idx: int, dataloader_idx: int = 0) -> None:
        """Seed a validation batch."""
        self._seed(trainer, pl_module, "validation batch", batch_idx)

    def _seed(self, trainer: pl.Trainer, pl_module: pl.LightningModule, use: str, *place: int) -> None:
        rank, world = trainer.global_rank, trainer.world_size
        if world == 1:
            seed_all(use, self.seed, *place, 0)
            return
        seed_all(use, self.seed, *place, 1 + rank)
        if isinstance(pl_module, System):
            alone = _number(_spawned(use, self.seed, *place, 0)[0])  # torch's, where one process has the whole batch
            pl_module.normal = OfTheWhole(alone, trainer.strategy.root_device, rank, world)
            pl_module.chance = pl_module.normal.chance
