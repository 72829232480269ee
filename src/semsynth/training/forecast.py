"""How long a training will take, said once its first iterations have been timed."""

import time
from typing import Any

import pytorch_lightning as pl

from semsynth.training.progress import say


class Forecast(pl.Callback):
    """Say how long training will take, from the time of its first batches.

    The first of them is not timed: it makes what the others find made; nor are those under numbers of threads that are
    tried. Validation and its scores come on top.

    Args:
        batches: Batches that are timed.
        seconds: After so long fewer of them have to do.
    """

    def __init__(self, batches: int = 10, seconds: float = 20.0) -> None:
        self.batches, self.seconds = batches, seconds
        self._start = 0.0
        self._done = 0  # batches since training started or went on

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count."""
        self._done = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any,
                           batch_idx: int) -> None:
        """Time the batch; say what follows once there are enough."""
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        if any(getattr(callback, "choosing", False) for callback in callbacks):
            return
        self._done += 1
        now = time.monotonic()
        if self._done == 1:
            self._start = now
            return
        timed, enough = self._done - 1, self.batches
        if timed > enough or not trainer.is_global_zero:
            return
        if timed < enough and now - self._start < self.seconds:
            return
        self._done = enough + 1  # said once
        each = (now - self._start) / timed
        per_epoch = int(trainer.num_training_batches)
        epochs = trainer.max_epochs or 0
        left = epochs * per_epoch - trainer.current_epoch * per_epoch - batch_idx - 1
        say(trainer, f"about {in_words(left * each)} to go for {epochs} epochs of {per_epoch} batches "
                     f"({each:.2g} s a batch here), besides validation")


def in_words(seconds: float) -> str:
    """A length of time as people say it: 40 s, 5 min, 3.5 h, 12 days."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
