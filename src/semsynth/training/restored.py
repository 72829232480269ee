"""What a checkpoint has brought besides weights, looked at before a training that goes on does anything."""

import pytorch_lightning as pl
from torch import Tensor

from semsynth.errors import CheckpointError


class Restored(pl.Callback):
    """Check the optimizers and counters that a checkpoint has filled; `fine` says that all could be taken up.

    Lightning and the optimizers take up states of any shape, and fail with them in the first step; counters that are
    not there begin at nothing.

    Raises:
        CheckpointError: a state is not of its parameter's shape, or not finite; or fewer steps are counted than taken.
    """

    def __init__(self) -> None:
        self.fine = False
        self._steps: object = None  # that the checkpoint says were taken

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule,
                           checkpoint: dict[str, object]) -> None:
        """Keep how many steps were taken."""
        self._steps = checkpoint.get("global_step")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at all optimizers, once."""
        self._look(trainer, pl_module)

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object,
                             batch_idx: int) -> None:
        """The same, where training goes on within an epoch, of which no start is told."""
        self._look(trainer, pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The same, where training goes on with the validation before which it was stopped."""
        if not trainer.sanity_checking:
            self._look(trainer, pl_module)

    def _look(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.fine:
            return
        if self._steps != trainer.global_step:
            raise CheckpointError(f"it says that {self._steps} steps were taken, and counts {trainer.global_step}")
        names: dict[Tensor, str] = {parameter: name for name, parameter in pl_module.named_parameters()}
        for optimizer in trainer.optimizers:
            for parameter, state in optimizer.state.items():
                for word, value in state.items():
                    _check(f"{word} of {names.get(parameter, 'a parameter')}", value, parameter)
        self.fine = True


def _check(name: str, value: object, parameter: Tensor) -> None:
    if not isinstance(value, Tensor):
        return
    if value.ndim and value.shape != parameter.shape:
        raise CheckpointError(f"the optimizer's {name} is {tuple(value.shape)}, not {tuple(parameter.shape)}")
    if value.is_floating_point() and not bool(value.isfinite().all()):
        raise CheckpointError(f"the optimizer's {name} holds NaN or infinite numbers")
