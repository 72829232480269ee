"""How many samples an optimizer step sees, beside the number that the recipe means."""

from typing import Any

import pytorch_lightning as pl


class WholeBatch(pl.Callback):
    """Say at the start how many samples an optimizer step sees in all, and warn where the recipe has another number.

    Args:
        recipe: Samples of an optimizer step in the recipe, on all devices together.
        name: The data set, whose recipe it is.
    """

    def __init__(self, recipe: int, name: str) -> None:
        self.recipe, self.name = recipe, name

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Print it, once for all processes."""
        if trainer.is_global_zero:
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            print(self.line(trainer.world_size, data.batch, pl_module.accumulate), flush=True)

    def line(self, devices: int, batch: int, accumulate: int) -> str:
        """What to print."""
        whole = devices * batch * accumulate
        factors = [f"batch={batch}"]
        if devices > 1:
            factors.insert(0, f"{devices} devices")
        if accumulate > 1:
            factors.append(f"accumulate={accumulate}")
        said = f"an optimizer step sees {whole} samples ({' x '.join(factors)})"
        if whole == self.recipe:
            return f"{said}, as in the recipe of {self.name}"
        return (f"warning: {said}; the recipe of {self.name}, with its learning rates, means {self.recipe}"
                f"{self._way(devices, batch)}")

    def _way(self, devices: int, batch: int) -> str:
        """How to come to the recipe's number; nothing where the devices do not divide it."""
        own, rest = divmod(self.recipe, devices)
        if rest:
            return ""
        ways = [f"batch={own}"]
        if own > batch and own % batch == 0:
            ways.append(f"accumulate={own // batch}")
        return f": {' or '.join(ways)}"
