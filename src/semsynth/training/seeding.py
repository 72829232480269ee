"""Every batch starts from its own seed."""

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from semsynth.chance import seeds


def seed_all(use: str, *numbers: int) -> None:
    """Seed torch (all devices), numpy and python, each on its own, for a use of chance: see `semsynth.chance`."""
    of_torch, of_numpy, of_python = seeds(use, *numbers).spawn(3)
    torch.manual_seed(int(of_torch.generate_state(1, np.uint64)[0]))
    np.random.seed(of_numpy.generate_state(4))
    random.seed(of_python.generate_state(4).tobytes())


class SeededBatches(pl.Callback):
    """Seed the generators of torch, numpy and python from (seed, epoch, batch, rank) before every batch.

    What a batch draws (style vectors, noise, dropout) then depends on its place in training alone: not on how often
    validation ran, and not on whether the run was interrupted before. Ranks draw different styles. Validation batches
    repeat the same draws at every validation, so that panels of different epochs can be compared.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any,
                             batch_idx: int) -> None:
        """Seed a training batch."""
        seed_all("training batch", self.seed, trainer.current_epoch, batch_idx, trainer.global_rank)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed what happens before the first validation batch."""
        seed_all("start of validation", self.seed, trainer.global_rank)

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int,
                                  dataloader_idx: int = 0) -> None:
        """Seed a validation batch."""
        seed_all("validation batch", self.seed, batch_idx, trainer.global_rank)
