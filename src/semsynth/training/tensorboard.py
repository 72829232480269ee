"""TensorBoard, with the pictures of the validations."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from semsynth.errors import LoggerError


class TensorBoard(TensorBoardLogger):
    """Lightning's logger, which here takes images too. `tensorboard --logdir FOLDER` shows a folder of runs.

    Args:
        folder: Where the event files go.

    Raises:
        LoggerError: tensorboard is not installed.
    """

    def __init__(self, folder: str) -> None:
        if find_spec("tensorboard") is None:
            raise LoggerError("logger=tensorboard needs tensorboard: pip install 'semsynth[tensorboard]', or take "
                              "another logger (wandb, csv)")
        super().__init__(folder, name="", version="", default_hp_metric=False)

    @rank_zero_only
    def log_image(self, key: str, images: list[np.ndarray], step: int | None = None,
                  **others: Sequence[object]) -> None:
        """Log images (H,W,3) uint8 as one picture, side by side; what else goes with them is W&B's."""
        self.experiment.add_image(key, np.concatenate(images, axis=1), step, dataformats="HWC")
