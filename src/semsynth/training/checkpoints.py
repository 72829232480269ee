"""Writing checkpoints from which a run continues exactly."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from semsynth.training.faults import TrainingStopped


def save(trainer: pl.Trainer, path: Path) -> None:
    """Write a checkpoint so that `path` is complete at any time. Call it on every rank."""
    partial = path.with_suffix(".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    trainer.save_checkpoint(partial, weights_only=False)  # optimizers and loops too
    if trainer.is_global_zero:
        os.replace(partial, path)
    trainer.strategy.barrier("checkpoint")


class Checkpoints(pl.Callback):
    """Write `last.ckpt` regularly and `best.ckpt` when a validation metric improves.

    Files are written where no gradient is pending. A count of batches that falls on the end of an epoch is served
    there, after the validation.

    Args:
        folder: Where the files go.
        every_n_epochs: Write `last` at the end of every n-th epoch, and of the last one; 0: only at the end.
        every_n_batches: Also write `last` after this many batches, counted over the whole training.
        monitor: Metric for `best`, as logged in validation; None: no `best`.
        mode: `min` or `max`: which way the metric is better.

    Raises:
        ValueError: another mode.
        TrainingStopped: after the first validation and writing `last`, a metric that is not logged and that no callback
            explains; names those that are.
    """

    def __init__(self, folder: str, every_n_epochs: int = 1, every_n_batches: int | None = None,
                 monitor: str | None = None, mode: str = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be min or max, got {mode!r}")
        self.folder = Path(folder)
        self.every_n_epochs, self.every_n_batches = every_n_epochs, every_n_batches
        self.monitor, self.mode = monitor, mode
        self.best: float | None = None
        self._due = False
        self._validated = False

    @property
    def last(self) -> Path:
        """The path of `last.ckpt`."""
        return self.folder / "last.ckpt"

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write `last` when its number of batches is full, nothing is pending and the epoch goes on."""
        if self.every_n_batches and (trainer.fit_loop.total_batch_idx + 1) % self.every_n_batches == 0:
            self._due = True
        if self._due and pl_module.stepped and not trainer.is_last_batch:
            self._due = False
            save(trainer, self.last)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that there is something to compare."""
        self._validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write `best` where the metric improved, and `last` where its number of epochs is full."""
        compared = self.monitor if self._validated else None
        there = compared is not None and compared in trainer.callback_metrics
        unknown = compared is not None and not there and not _explained(trainer, compared)
        if compared is not None and there and self._improved(float(trainer.callback_metrics[compared])):
            save(trainer, self.folder / "best.ckpt")
        self._validated = False
        epoch = trainer.current_epoch + 1
        full = self.every_n_epochs > 0 and epoch % self.every_n_epochs == 0
        if full or self._due or unknown or epoch == trainer.max_epochs:
            self._due = False
            save(trainer, self.last)
        if unknown:
            raise TrainingStopped(f"callbacks.checkpoints.monitor={compared} is not logged; there are "
                                  f"{', '.join(sorted(trainer.callback_metrics))}. Resume with one of them or null")

    def _improved(self, value: float) -> bool:
        better = self.best is None or (value < self.best if self.mode == "min" else value > self.best)
        if better:
            self.best = value
        return better

    def state_dict(self) -> dict[str, Any]:
        """The best value so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on comparing with the best value so far."""
        self.best = state_dict["best"]


def _explained(trainer: pl.Trainer, metric: str) -> bool:
    """Whether a callback knows why a metric is not there (`Scores.explains`)."""
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return any(callback.explains(metric) for callback in callbacks if hasattr(callback, "explains"))
