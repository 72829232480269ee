"""Scores during training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import pytorch_lightning as pl
import torch

from semsynth.digits import rounded
from semsynth.errors import TrainingStopped
from semsynth.interfaces import Generator, Progress, StyleEncoder
from semsynth.spelling import typed
from semsynth.training.offers import StopsInValidation
from semsynth.training.system import system_of
from semsynth.training.undeclared import callbacks

T = TypeVar("T")


@runtime_checkable
class Assess(Protocol):
    """Takes scores of a generator; a ValueError says what prevents them."""

    def prepare(self, data: Any, size: tuple[int, int], device: torch.device, progress: Progress, /) -> dict[str, str]:
        """Measure the real images of a data set, at a size (H,W); the scores that cannot be had, with the reasons."""

    def __call__(self, generator: Generator, encoder: StyleEncoder | None, between: Callable[[], None], /
                 ) -> dict[str, float]:
        """The scores by key; calls `between()` now and then, where a signal may stop it (`Preemption`)."""


class Scores(pl.Callback):
    """Score the generator every N epochs, within the validation, and log the scores as `score/KEY`.

    Scores are taken of the averaged weights where there are any (`EMA`).

    Args:
        assess: Takes the scores; None: nothing is scored.
        every_n_epochs: 0: nothing is scored. The last epoch always is otherwise.
        data: The data set, as `assess` takes it.
        size: (H,W) of the images.

    Raises:
        TrainingStopped: before training, where a score that must be had cannot be had, or no validation takes scores.
    """

    def __init__(self, assess: Assess | None = None, every_n_epochs: int = 0, *, data: object = None,
                 size: tuple[int, int] = (0, 0)) -> None:
        if every_n_epochs < 0:
            raise ValueError(f"scores.every_n_epochs must be >= 0, got {every_n_epochs}")
        self.assess, self.every_n_epochs, self.data, self.size = assess, every_n_epochs, data, size
        self.skipped: dict[str, str] = {}
        self.latest: dict[str, float] = {}
        self.latest_epoch = 0

    @property
    def active(self) -> bool:
        """Whether anything is scored at all."""
        return self.assess is not None and self.every_n_epochs > 0

    def explains(self, key: str) -> bool:
        """Whether a metric is not there because it was not taken, or not yet, or cannot be had."""
        return key.startswith("score/") and (
            not self.active or not self.latest or key.removeprefix("score/") in self.skipped)

    def due(self, trainer: pl.Trainer) -> bool:
        """Whether the validation at the end of this epoch takes scores."""
        epoch = trainer.current_epoch + 1
        return self.active and (epoch % self.every_n_epochs == 0 or epoch == trainer.max_epochs)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Prepare, and say which scores there will not be."""
        if stage != "fit" or self.assess is None or not self.active:
            return
        progress: Progress = _bar if trainer.is_global_zero else _silent
        try:
            self.skipped = self.assess.prepare(self.data, self.size, trainer.strategy.root_device, progress)
        except ValueError as error:
            raise TrainingStopped(f"{error}\nTo train without scores: scores=none") from error
        if trainer.is_global_zero:
            for reason in dict.fromkeys(self.skipped.values()):
                keys = ", ".join(key for key, why in self.skipped.items() if why == reason)
                print(f"no {keys}: {reason}", flush=True)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Refuse an interval of validations that leaves out the end of an epoch, where scores are taken."""
        interval, batches = trainer.val_check_batch, trainer.num_training_batches
        if self.active and trainer.check_val_every_n_epoch and interval and batches % interval:
            raise TrainingStopped(
                f"trainer.val_check_interval={trainer.val_check_interval} validates after every {interval} of an "
                f"epoch's {batches} batches, never after the last one, where scores are taken: choose an interval that "
                f"divides {batches}, or scores=none")

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Score and log."""
        if self.assess is None or not self.due(trainer) or trainer.sanity_checking or not trainer.is_last_batch:
            return
        try:
            system = system_of(pl_module)
            self.latest = self.assess(system.generator, system.encoder, partial(_stop_if_asked, trainer))
        except ValueError as error:
            raise TrainingStopped(f"scoring failed: {error}") from error
        self.latest_epoch = trainer.current_epoch + 1
        # the same on all ranks; all log it, since all compare it for `best`
        logged = {f"score/{key}": value for key, value in self.latest.items()}
        pl_module.log_dict(logged, sync_dist=trainer.world_size > 1)

    def state_dict(self) -> dict[str, object]:
        """The latest scores and their epoch."""
        return {"latest": self.latest, "latest_epoch": self.latest_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the latest scores."""
        self.latest, self.latest_epoch = state_dict["latest"], state_dict["latest_epoch"]

    def lines(self) -> list[str]:
        """The latest scores, for the end of a run."""
        if not self.latest:
            return []
        width = max(len(key) for key in self.latest)
        shares = ("miou", "accuracy", "miou_rare")
        return [f"scores after epoch {self.latest_epoch} ({typed(['evaluate', 'run=DIR'])} takes all of them):"] + [
            f"  {key:{width}}  {f'{100 * value:.1f} %' if key in shares else rounded(value, 4)}"
            for key, value in self.latest.items()]


def _stop_if_asked(trainer: pl.Trainer) -> None:
    for callback in callbacks(trainer):
        if isinstance(callback, StopsInValidation):
            callback.stop_in_validation(trainer)


def _bar(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    from tqdm.auto import tqdm

    shown: Iterable[T] = tqdm(items, title, total, leave=False)
    return shown


def _silent(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    return items
