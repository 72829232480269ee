"""Every batch starts from its own seed."""

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch


def seed_all(*keys: int) -> None:
    """Seed torch (all devices), numpy and python from several numbers, such as (seed, epoch, batch, rank)."""
    first, second, third = (int(word) for word in np.random.SeedSequence(keys).generate_state(3))
    torch.manual_seed(first)
    np.random.seed(second)
    random.seed(third)


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
        seed_all(self.seed, 0, trainer.current_epoch, batch_idx, trainer.global_rank)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed what happens before the first validation batch."""
        seed_all(self.seed, 2, trainer.global_rank)

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int,
                                  dataloader_idx: int = 0) -> None:
        """Seed a validation batch."""
        seed_all(self.seed, 1, batch_idx, trainer.global_rank)
