"""How far a training is, in a file for whoever looks from outside."""

import json
import time
from contextlib import suppress
from pathlib import Path

import pytorch_lightning as pl
import torch

from semsynth.device import hardware
from semsynth.errors import WritingError
from semsynth.training.progress import batches_left
from semsynth.weights.files import write_with


class Standing(pl.Callback):
    """Write now and then, and at the end of every epoch, how far training is.

    The file is a table in JSON: `epoch` of `epochs`, `batch` of `batches` in it, all counted from 1, and `left_s`, the
    seconds to go at the pace since this start, validation included; null at its first batch; `hardware` and `torch` say
    on what it is trained.

    Args:
        path: The file.
        seconds: Time between two writings.
    """

    def __init__(self, path: Path, seconds: float = 30.0) -> None:
        self.path, self.seconds = path, seconds
        self._start = self._written = 0.0
        self._done = 0  # batches of this start

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start, self._written, self._done = time.monotonic(), float("-inf"), 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Write when it is time."""
        self._done += 1
        now = time.monotonic()
        if not trainer.is_global_zero or (now - self._written < self.seconds and not trainer.is_last_batch):
            return
        self._written = now
        each = (now - self._start) / self._done
        standing = {"epoch": trainer.current_epoch + 1, "epochs": trainer.max_epochs, "batch": batch_idx + 1,
                    "batches": int(trainer.num_training_batches),
                    "left_s": batches_left(trainer, batch_idx) * each if self._done > 1 else None,
                    "hardware": hardware(pl_module.device), "torch": torch.__version__}
        with suppress(WritingError):  # nothing of the training rests on it
            write_with(self.path, lambda file: file.write(json.dumps(standing).encode()), sync=False)
