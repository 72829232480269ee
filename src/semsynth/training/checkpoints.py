"""Writing checkpoints from which a run continues exactly."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from semsynth.errors import TrainingStopped
from semsynth.training.offers import LogsBest, LogsCheckpoints, TakesScores
from semsynth.training.places import before_validation, within_epoch
from semsynth.training.system import system_of
from semsynth.training.undeclared import callbacks, fast_dev_run
from semsynth.weights.files import write_with


def save(trainer: pl.Trainer, path: Path) -> None:
    """Write a checkpoint so that `path` is complete at any time. Call it on every rank."""
    # Lightning's own writing passes a copy through memory and $TMPDIR, and waits for no disk.
    checkpoint = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)  # optimizers and loops too
    if trainer.is_global_zero:
        write_with(path, partial(torch.save, checkpoint))
    trainer.strategy.barrier("checkpoint")


class Checkpoints(pl.Callback):
    """Write `last.ckpt` regularly and `best.ckpt` when a validation metric improves.

    Files are written where no gradient is pending. A count of batches that falls on the end of an epoch is served
    there. What is written at the end of an epoch, or before scores are taken, is also written before the validation:
    what fails or is stopped in it then loses nothing, and a resumed run begins with the validation. A run that ends
    early within an epoch (`trainer.max_time`) can go on with the next batch. A `trainer.fast_dev_run` leaves no files.

    Loggers with `log_best(metric, value, epoch)` hear of every improvement, and those with
    `log_checkpoint(path, facts)` get the files when training ends.

    Args:
        folder: Where the files go.
        every_n_epochs: Write `last` at the end of every n-th epoch, and of the last one; 0: only at the end.
        every_n_batches: Also write `last` after this many batches, counted over the whole training.
        monitor: Metric for `best`, as logged in validation, or several, of which the first that is logged decides;
            None: no `best`. NaN is never the best.
        mode: `min` or `max`: which way the metric is better.

    Raises:
        ValueError: another mode.
        TrainingStopped: after the first validation and writing `last`, a metric that is not logged and that no callback
            explains; names those that are.
    """

    def __init__(self, folder: str, every_n_epochs: int = 1, every_n_batches: int | None = None,
                 monitor: str | Sequence[str] | None = None, mode: str = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be min or max, got {mode!r}")
        self.folder = Path(folder)
        self.every_n_epochs, self.every_n_batches = every_n_epochs, every_n_batches
        self.monitor = [monitor] if isinstance(monitor, str) else list(monitor or ())
        self.mode = mode
        self.best: float | None = None
        self.best_by: str | None = None  # the metric of `best`
        self.best_epoch: int | None = None  # from 0 on
        self.kept = False  # whether `last` holds what the validation that runs now looks at
        self._due = False
        self._validated = False

    @property
    def last(self) -> Path:
        """The path of `last.ckpt`."""
        return self.folder / "last.ckpt"

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell loggers the best value so far, which a resumed run brings with it."""
        self._tell_best(trainer)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Note that the number of batches for `last` is full."""
        if self.every_n_batches and (trainer.fit_loop.total_batch_idx + 1) % self.every_n_batches == 0:
            self._due = True

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                             batch_idx: int) -> None:
        """Write `last` where it is due and nothing is pending; what the batch before has logged stands then."""
        if self._due and system_of(pl_module).stepped:
            self._due = False
            self._write_within_epoch(trainer, 1, epoch_ended=False)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write `last` before a validation that a stop has caused, or one at the end of an epoch."""
        if trainer.sanity_checking:
            return
        if not trainer.is_last_batch:
            if trainer.should_stop:
                self._write_within_epoch(trainer, system_of(pl_module).pending, epoch_ended=False)
        elif self._full(trainer) or self._due or any(c.due(trainer) for c in _scoring(trainer)):
            with before_validation(trainer):
                self._write_last(trainer)
            self.kept = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that there is something to compare."""
        self.kept, self._validated = False, True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write `best` where the metric improved, and `last` where its number of epochs is full or the epoch is cut."""
        improved, unknown = False, False
        if self.monitor and self._validated:
            improved, unknown = self._compare(trainer)
        self._validated = False
        if improved:
            self._tell_best(trainer)
            if not fast_dev_run(trainer):
                save(trainer, self.folder / "best.ckpt")
        if not trainer.is_last_batch:
            self._write_within_epoch(trainer, system_of(pl_module).pending, epoch_ended=True)
        elif self._full(trainer) or self._due or unknown:
            self._due = False
            self._write_last(trainer)
        if unknown:
            raise TrainingStopped(f"callbacks.checkpoints.monitor={' or '.join(self.monitor)} is not logged; there are "
                                  f"{', '.join(sorted(trainer.callback_metrics))}. Resume with one of them or null")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the files to loggers that keep them."""
        if fast_dev_run(trainer):
            return
        best = {"epoch": self.best_epoch, "metric": self.best_by, "value": self.best}
        last = {"epoch": trainer.current_epoch - 1}
        for path, facts in ((self.folder / "best.ckpt", best), (self.last, last)):  # W&B's `latest` is what comes last
            for logger in trainer.loggers if path.is_file() else ():
                if isinstance(logger, LogsCheckpoints):
                    logger.log_checkpoint(path, facts)

    def _tell_best(self, trainer: pl.Trainer) -> None:
        if self.best is None or self.best_by is None or self.best_epoch is None:
            return
        for logger in trainer.loggers:
            if isinstance(logger, LogsBest):
                logger.log_best(self.best_by, self.best, self.best_epoch)

    def _full(self, trainer: pl.Trainer) -> bool:
        """Whether `last` belongs to the end of this epoch."""
        epoch = trainer.current_epoch + 1
        return epoch == trainer.max_epochs or (self.every_n_epochs > 0 and epoch % self.every_n_epochs == 0)

    def _write_last(self, trainer: pl.Trainer) -> None:
        if not fast_dev_run(trainer):
            save(trainer, self.last)

    def _write_within_epoch(self, trainer: pl.Trainer, pending: int, epoch_ended: bool) -> None:
        """Write `last` in the middle of an epoch; nothing where it has not stepped yet, since nothing is new then."""
        if trainer.fit_loop.epoch_loop.batch_progress.current.ready > pending:
            with within_epoch(trainer, pending, epoch_ended):
                self._write_last(trainer)

    def _compare(self, trainer: pl.Trainer) -> tuple[bool, bool]:
        """Whether the metric improved, and whether all are missing without a reason.

        The first process decides for all: what each logs for itself may differ, and all must write or none.
        """
        metric = next((metric for metric in self.monitor if metric in trainer.callback_metrics), None)
        unknown = metric is None and not any(callback.explains(metric) for metric in self.monitor
                                             for callback in _scoring(trainer))
        seen = None if metric is None else float(trainer.callback_metrics[metric])
        metric, seen, unknown = trainer.strategy.broadcast((metric, seen, unknown))
        improved = seen is not None and self._improved(str(metric), seen)
        self.best_epoch = trainer.current_epoch if improved else self.best_epoch
        return improved, unknown

    def _improved(self, metric: str, value: float) -> bool:
        best = self.best if metric == self.best_by else None
        better = not math.isnan(value) and (
            best is None or (value < best if self.mode == "min" else value > best))
        if better:
            self.best, self.best_by = value, metric
        return better

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule,
                           checkpoint: dict[str, Any]) -> None:
        """Leave out how long the run has taken: `trainer.max_time` is the time of one start, not of all together."""
        checkpoint["callbacks"].pop("Timer", None)

    def state_dict(self) -> dict[str, float | str | None]:
        """The best value so far, of which metric, and in which epoch from 0 on."""
        return {"best": self.best, "best_by": self.best_by, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on comparing with the best value so far."""
        self.best, self.best_by = state_dict["best"], state_dict.get("best_by")
        self.best_epoch = state_dict.get("best_epoch")


def _scoring(trainer: pl.Trainer) -> list[TakesScores]:
    return [callback for callback in callbacks(trainer) if isinstance(callback, TakesScores)]
