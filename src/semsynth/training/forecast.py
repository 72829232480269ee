"""How long a training will take, said once its first iterations have been timed."""

import time

import pytorch_lightning as pl

from semsynth.digits import duration
from semsynth.training.offers import TimesSteps
from semsynth.training.progress import batches_left, say
from semsynth.training.undeclared import callbacks


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

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Time the batch; say what follows once there are enough."""
        if any(callback.choosing for callback in callbacks(trainer) if isinstance(callback, TimesSteps)):
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
        left = duration(batches_left(trainer, batch_idx) * each)
        say(trainer, f"about {left} to go for {trainer.max_epochs} epochs of {int(trainer.num_training_batches)} "
                     f"batches ({each:.2g} s a batch here), besides validation")
