"""How many samples an optimizer step sees, beside the number that the recipe means."""

import pytorch_lightning as pl

from semsynth.training.system import Batches, system_of
from semsynth.training.undeclared import datamodule


class WholeBatch(pl.Callback):
    """Say at the start how many samples an optimizer step sees in all, and warn where the recipe has another number.

    Args:
        recipe: Samples of an optimizer step in the recipe, on all devices together.
        name: The recipe's.
    """

    def __init__(self, recipe: int, name: str) -> None:
        self.recipe, self.name = recipe, name

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print it, once for all processes."""
        if trainer.is_global_zero:
            data = datamodule(trainer)
            if not isinstance(data, Batches):
                raise TypeError(f"{type(data).__name__} does not say its `batch`")
            print(self.line(trainer.world_size, data.batch, system_of(pl_module).accumulate), flush=True)

    def line(self, devices: int, batch: int, accumulate: int) -> str:
        """What to print."""
        whole = devices * batch * accumulate
        factors = [f"batch.device={batch}"]
        if devices > 1:
            factors.insert(0, f"{devices} devices")
        if accumulate > 1:
            factors.append(f"batch.accumulation={accumulate}")
        said = f"an optimizer step sees {whole} samples ({' x '.join(factors)})"
        if whole == self.recipe:
            return f"{said}, as in the recipe of {self.name}"
        return (f"warning: {said}; the recipe of {self.name}, with its learning rates, means {self.recipe}: "
                f"batch.total={self.recipe}")
