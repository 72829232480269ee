"""Stopping on a signal without losing work."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from semsynth.training.checkpoints import Checkpoints, save
from semsynth.training.patience import Patience
from semsynth.training.places import before_validation, within_epoch
from semsynth.training.signals import SIGNALS, requeue, slurm_job
from semsynth.training.system import system_of
from semsynth.training.undeclared import callbacks

Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


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
    callback were not there; not where Slurm or torchrun send the signals: their `srun` and agents pass on to the
    processes what these have received already. Where Slurm's patience may end before the batch does, the job is put
    back in the queue all the same, see `Patience`.

    Args:
        folder: Where `last.ckpt` goes.
        resume: The run's `resume` setting. With `auto` the same command continues this run, so that the job is put
            back in the queue under Slurm; otherwise it would start another one.
    """

    def __init__(self, folder: str, resume: str | None = None) -> None:
        self.last = Path(folder) / "last.ckpt"
        self.requeue = resume == "auto"
        self.received = 0
        self._patience = Patience()
        self._before: dict[int, Handler] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over, from Lightning too: it saves under other names and stops between other places."""
        self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        by_hand = slurm_job() is None and "TORCHELASTIC_RUN_ID" not in os.environ
        first = getattr(rank_zero_only, "rank", 0) == 0
        if signum == signal.SIGTERM and self.requeue and first and slurm_job() is not None:
            self._patience.start()
        if self.received and by_hand:
            self._restore()
            os.kill(os.getpid(), signum)
        elif not self.received and first:  # at once, whatever is being written
            words = "stops after this batch, with a checkpoint"
            second = "; a second signal stops at once, without one" if by_hand else ""
            os.write(2, f"\n{signal.Signals(signum).name}: {words}{second}\n".encode())
        self.received = self.received or signum

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                             batch_idx: int) -> None:
        """Stop where no gradient is pending and the batch before has been logged; there must be one in this epoch."""
        if batch_idx and system_of(pl_module).stepped and (signum := self._asked(trainer)):
            with within_epoch(trainer, 1, epoch_ended=False):
                save(trainer, self.last)
            self._stop(trainer, signum)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop before a validation within an epoch, with which a resumed run begins."""
        if trainer.sanity_checking or trainer.is_last_batch or not system_of(pl_module).stepped:
            return
        if signum := self._asked(trainer):
            with before_validation(trainer):
                save(trainer, self.last)
            self._stop(trainer, signum)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object,
                                batch: object, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Stop between the batches of a validation."""
        self.stop_in_validation(trainer)

    def stop_in_validation(self, trainer: pl.Trainer) -> None:
        """Stop where `last.ckpt` was written before the validation that runs. All processes must call it together."""
        kept = any(isinstance(callback, Checkpoints) and callback.kept for callback in callbacks(trainer))
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
        requeued = self._patience.end() or (self.requeue and trainer.is_global_zero and requeue())
        if requeued:
            self._before = {}  # the signals stay ignored: what ends the job must not cut the last words short
        self._restore()
        raise Preempted(signum, requeued)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._patience.end()
        self._restore()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the signals back."""
        self._patience.end()
        self._restore()
