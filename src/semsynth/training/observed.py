"""Losses that are read on the host only where they are logged, and checked before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from semsynth.errors import NonFiniteError
from semsynth.training.undeclared import fast_dev_run
from semsynth.training.watch import Watch

MOST = 1000  # what is noted and not looked at: bounds memory where nothing is logged


class Observed(pl.LightningModule):
    """A training that waits for its device only where something is logged or kept.

    A subclass notes the scalars that must stay finite (`watch`) and what there is to log (`measured`). They are read
    together: at the steps that Lightning logs (`trainer.log_every_n_steps`), at the end of an epoch and of the
    training, and before a validation or a checkpoint. So neither pictures nor checkpoints come from weights that a
    NaN has reached, though some steps may have been taken since. What is logged is the mean of all processes.

    Raises:
        NonFiniteError: in training, at the first read after a loss or a gradient is NaN or infinite; names it.
    """

    remedy = "Lower the learning rates, or train with trainer.precision=32-true if it is not."

    def __init__(self) -> None:
        super().__init__()
        self._watch = Watch()
        self._measured: dict[str, Sequence[Tensor] | float] = {}

    # ---- what a subclass says

    def watch(self, values: Mapping[str, Tensor], batch_idx: int) -> None:
        """Note scalars that must be finite."""
        self._watch.note(values, self._where(batch_idx))

    def measured(self, values: Mapping[str, Sequence[Tensor] | float]) -> None:
        """Set what there is to log of the last optimizer step: scalars of its batches, whose mean counts, or numbers.
        """
        self._measured = {name: value if isinstance(value, float) else [v.detach() for v in value]
                          for name, value in values.items()}

    def _where(self, batch_idx: int) -> str:
        return f"epoch {self.current_epoch + 1}, batch {batch_idx + 1}"

    # ---- reading

    def metrics(self) -> dict[str, float]:
        """What there is to log of the last optimizer step, of this process; waits for the device."""
        values = self._means()
        numbers = torch.stack(list(values.values())).tolist() if values else []
        return self._with_numbers(dict(zip(values, numbers, strict=True)))

    def check(self) -> None:
        """Look at what was noted. All processes must call it together.

        Raises:
            NonFiniteError: something is not finite.
        """
        self._look({})

    def report(self) -> None:
        """Check and log where Lightning logs this step. All processes must call it together, within a hook.

        Raises:
            NonFiniteError: something is not finite.
        """
        trainer = self.trainer
        if not (trainer._logger_connector.should_update_logs or trainer.is_last_batch or fast_dev_run(trainer)):
            if len(self._watch) >= MOST:
                self.check()
            return
        for name, number in self._with_numbers(self._look(self._means())).items():
            self.log(name, torch.tensor(number), on_step=True, on_epoch=False)  # a tensor of the host: nothing to copy

    def _means(self) -> dict[str, Tensor]:
        return {name: torch.stack(list(values)).mean() for name, values in self._measured.items()
                if not isinstance(values, float)}

    def _with_numbers(self, read: Mapping[str, float]) -> dict[str, float]:
        """In the order in which they were measured."""
        return {name: value if isinstance(value, float) else read[name] for name, value in self._measured.items()}

    def _look(self, besides: Mapping[str, Tensor]) -> dict[str, float]:
        gather = self.trainer.strategy.all_gather if self.trainer.world_size > 1 else None
        try:
            return dict(zip(besides, self._watch.look(list(besides.values()), gather=gather), strict=True))
        except NonFiniteError as error:
            now = self._where(self.trainer.fit_loop.epoch_loop.batch_progress.current.ready - 1)
            raise NonFiniteError(f"{error}. Training stops in {now}: weights that it may have reached are not kept. "
                                 f"{self.remedy}") from None

    # ---- hooks; those of callbacks run before them

    def on_train_epoch_start(self) -> None:
        """Forget the last step of another epoch."""
        self._measured = {}

    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        """Check and log where this step is logged."""
        self.report()

    def on_validation_start(self) -> None:
        """Check before pictures are drawn."""
        self.check()

    def on_save_checkpoint(self, checkpoint: dict[str, object]) -> None:
        """Check before a checkpoint is written, whoever asks for it; batches may be logged before the next step."""
        checkpoint["measured"] = self._with_numbers(self._look(self._means()))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Have something to log until the next step."""
        self._measured = dict(checkpoint["measured"])

    def on_train_end(self) -> None:
        """Check what is left."""
        self.check()
