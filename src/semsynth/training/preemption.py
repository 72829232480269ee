"""Stopping on a signal without losing work."""

import os
import signal
import subprocess
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from semsynth.training.checkpoints import Checkpoints, save

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class Preempted(BaseException):
    """Training stopped on a signal after writing `last.ckpt`. Not an Exception: nothing went wrong.

    Args:
        signum: The signal.
        requeued: Whether Slurm will start the job again.
    """

    def __init__(self, signum: int, requeued: bool) -> None:
        self.signum, self.requeued = signum, requeued
        super().__init__(f"stopped by {signal.Signals(signum).name}")


class Preemption(pl.Callback):
    """On Ctrl-C, SIGTERM, SIGUSR1 or SIGUSR2 finish the batch, write `last.ckpt` and stop.

    In a validation before which `Checkpoints` has written `last.ckpt`, finish the validation's batch and stop; `Scores`
    asks between its batches, too (`stop_in_validation`). A resumed run then begins with the validation.

    With several processes a signal to one stops all at the same batch. A second signal acts at once, as if this
    callback were not there.

    Args:
        folder: Where `last.ckpt` goes.
        resume: The run's `resume` setting. With `auto` the same command continues this run, so that the job is put
            back in the queue under Slurm; otherwise it would start another one.
    """

    def __init__(self, folder: str, resume: str | None = None) -> None:
        self.last = Path(folder) / "last.ckpt"
        self.requeue = resume == "auto"
        self.received = 0
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over, from Lightning too: it saves under other names and stops between other places."""
        self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.received:
            self._restore()
            os.kill(os.getpid(), signum)
        elif getattr(rank_zero_only, "rank", 0) == 0:  # at once, whatever is being written
            words = "stops after this batch, with a checkpoint; a second signal stops at once, without one"
            os.write(2, f"\n{signal.Signals(signum).name}: {words}\n".encode())
        self.received = signum

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop where no gradient is pending; the end of an epoch is left to what follows it."""
        if pl_module.stepped and not trainer.is_last_batch and (signum := self._asked(trainer)):
            _log_batch(trainer, pl_module)
            save(trainer, self.last)
            self._stop(trainer, signum)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int,
                                dataloader_idx: int = 0) -> None:
        """Stop between the batches of a validation."""
        self.stop_in_validation(trainer)

    def stop_in_validation(self, trainer: pl.Trainer) -> None:
        """Stop where `last.ckpt` was written before the validation that runs. All processes must call it together."""
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        kept = any(isinstance(callback, Checkpoints) and callback.kept for callback in callbacks)
        if kept and (signum := self._asked(trainer)):
            self._stop(trainer, signum)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop between two epochs."""
        if trainer.current_epoch + 1 != trainer.max_epochs and (signum := self._asked(trainer)):
            save(trainer, self.last)
            self._stop(trainer, signum)

    def _asked(self, trainer: pl.Trainer) -> int:
        """The signal that some process has received; 0 where none has."""
        if trainer.world_size == 1:
            return self.received
        asked = trainer.strategy.reduce_boolean_decision(bool(self.received), all=False)
        return self.received or (signal.SIGTERM if asked else 0)

    def _stop(self, trainer: pl.Trainer, signum: int) -> None:
        requeued = self.requeue and trainer.is_global_zero and _requeue()
        self._restore()
        raise Preempted(signum, requeued)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._restore()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the signals back."""
        self._restore()


def _log_batch(trainer: pl.Trainer, pl_module: Any) -> None:
    """Log the batch that ends now: Lightning would after this hook, and a resumed run begins with the next one."""
    pl_module.report()
    trainer._logger_connector.on_batch_end()
    trainer._logger_connector.update_train_step_metrics()


def _requeue() -> bool:
    """Put this Slurm job back in the queue; False outside Slurm or where Slurm refuses."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return False
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    try:
        return subprocess.run(["scontrol", "requeue", job], check=False).returncode == 0
    except FileNotFoundError:
        return False
