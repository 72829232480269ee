"""How often metrics are logged."""

from typing import Any

import pytorch_lightning as pl


class LogEveryEpoch(pl.Callback):
    """Log metrics once an epoch at least: an epoch with fewer batches than `trainer.log_every_n_steps` at its end."""

    def on_train_start(self, trainer: Any, pl_module: pl.LightningModule) -> None:
        """Shorten the interval to an epoch."""
        trainer.log_every_n_steps = min(trainer.log_every_n_steps, int(trainer.num_training_batches))
