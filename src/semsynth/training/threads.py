"""The number of threads of a training on a CPU."""

from __future__ import annotations

import os

import pytorch_lightning as pl
import torch

from semsynth.threads import VARIABLE, Choice, Threads, cores, share
from semsynth.training.progress import say
from semsynth.training.system import system_of


class TrainingThreads(pl.Callback):
    """Compute with a fixed number of threads, or with the one under which the first optimizer steps take least time.

    Sums round otherwise under another number of threads, so that a resumed run goes on with that of its checkpoint;
    where that has none yet, or more than this machine has cores, it is timed anew. Several processes have as many as
    their shares of the cores, and compiled kernels belong to one number: neither is timed. The process has its old
    number again at the end.

    Args:
        threads: The number, or `auto`.
    """

    def __init__(self, threads: Threads = "auto") -> None:
        self.threads = threads
        self._before = torch.get_num_threads()
        self._stored: int | None = None
        self._choice: Choice | None = None

    @property
    def choosing(self) -> bool:
        """Whether steps are still being timed."""
        return self._choice is not None and self._choice.choosing

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Remember what the process had."""
        self._before = torch.get_num_threads()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the number that is given or stored, or begin to time."""
        device = trainer.strategy.root_device
        alone = trainer.world_size == 1 and device.type == "cpu" and not system_of(pl_module).compile_networks
        self._choice = Choice.of(self.threads, device) if alone or self.threads != "auto" else None
        if trainer.world_size > 1 and self.threads == "auto" and VARIABLE not in os.environ:
            torch.set_num_threads(share(trainer.num_devices))
        if self.threads != "auto" and device.type == "cpu" and self.threads > cores():
            say(trainer, f"threads={self.threads} on {cores()} cores: they will wait for each other")
        if self._stored is not None and self.choosing:
            if self._stored <= cores():
                self._choice = Choice.of(self._stored, device)
            else:
                say(trainer, f"{self._stored} threads before, but {cores()} cores here: chosen anew, so that sums "
                             f"round otherwise")

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                             batch_idx: int) -> None:
        """Begin where validation or the start of an epoch came between."""
        if self._choice is not None:
            self._choice.begin()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Count a step; say what was chosen."""
        if self._choice is not None and system_of(pl_module).stepped and self._choice.end():
            say(trainer, self._choice.words("iterations"))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave validation out."""
        self._interrupt()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the ends of epochs out."""
        self._interrupt()

    def _interrupt(self) -> None:
        if self._choice is not None:
            self._choice.interrupt()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the process its number back."""
        torch.set_num_threads(self._before)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the process its number back."""
        torch.set_num_threads(self._before)

    def state_dict(self) -> dict[str, int | None]:
        """The number, once it is settled."""
        return {"threads": None if self._choice is None else self._choice.best}

    def load_state_dict(self, state_dict: dict[str, int | None]) -> None:
        """Go on with the number of the run."""
        self._stored = state_dict["threads"]
