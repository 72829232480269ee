"""Progress with the losses, on a terminal and in a log file."""

import sys
import time

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar, TQDMProgressBar

from semsynth.training.observed import Observed


def losses(pl_module: pl.LightningModule) -> dict[str, float]:
    """The current losses with short names: `G adversarial` for `loss/generator/adversarial`; waits for the device.

    None of a training that is not `Observed`.
    """
    short = {}
    for key, value in pl_module.metrics().items() if isinstance(pl_module, Observed) else ():
        kind, _, rest = key.partition("/")
        part, _, term = rest.partition("/")
        if kind == "loss" and term:
            short[f"{part[0].upper()} {term}"] = value
    return short


class Bar(TQDMProgressBar):
    """A moving bar for terminals."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, str] = {}

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule
                    ) -> dict[str, int | str | float | dict[str, float]]:
        """Show the losses alone: those of the last step that is logged, since reading them waits for the device."""
        if trainer._logger_connector.should_update_logs or trainer.is_last_batch or not self._shown:
            self._shown = {name: f"{value:.3f}" for name, value in losses(pl_module).items()}
        return dict(self._shown)


class Lines(ProgressBar):
    """A line now and then, for logs that are read as text.

    Args:
        seconds: Time between two lines.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self.seconds = seconds
        self._start = self._last = 0.0
        self._first_batch = 0
        self._enabled = True

    def enable(self) -> None:
        """Print."""
        self._enabled = True

    def disable(self) -> None:
        """Print nothing: the other processes of a training are silent."""
        self._enabled = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = self._last = time.monotonic()
        self._first_batch = trainer.fit_loop.epoch_loop.batch_progress.total.completed

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Print when it is time, and at the end of an epoch."""
        now = time.monotonic()
        if self._enabled and (now - self._last >= self.seconds or trainer.is_last_batch):
            self._last = now
            print(self._line(trainer, pl_module, batch_idx, now - self._start), flush=True)

    def _line(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch_idx: int, elapsed: float) -> str:
        per_epoch = int(trainer.num_training_batches)
        done = trainer.fit_loop.total_batch_idx + 1
        rate = (done - self._first_batch) / max(elapsed, 1e-9)
        left = batches_left(trainer, batch_idx) / rate
        terms = "  ".join(f"{name} {value:.3f}" for name, value in losses(pl_module).items())
        return (f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  batch {batch_idx + 1}/{per_epoch}  {terms}  "
                f"{rate:.2f} batches/s  {_clock(left)} left")


def batches_left(trainer: pl.Trainer, batch_idx: int) -> int:
    """How many batches come after this one of the present epoch until all epochs are trained."""
    per_epoch = int(trainer.num_training_batches)
    return max(0, (trainer.max_epochs or 0) * per_epoch - trainer.current_epoch * per_epoch - batch_idx - 1)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def say(trainer: pl.Trainer, line: str) -> None:
    """Print a line beside the progress."""
    bar = trainer.progress_bar_callback
    if bar is None:
        print(line, flush=True)
    else:
        bar.print(line)


def progress(seconds: float = 10.0) -> ProgressBar:
    """Choose a bar where the standard error is a terminal, otherwise a line every `seconds`."""
    return Bar() if sys.stderr.isatty() else Lines(seconds)
