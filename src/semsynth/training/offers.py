"""What callbacks and loggers may offer to other callbacks, which ask for it by these contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pytorch_lightning as pl

# ---- callbacks


@runtime_checkable
class TakesScores(Protocol):
    """A callback that takes scores in some validations."""

    def due(self, trainer: pl.Trainer) -> bool:
        """Whether the validation at the end of this epoch takes scores."""

    def explains(self, key: str) -> bool:
        """Whether a metric is not there because it was not taken, or not yet, or cannot be had."""


@runtime_checkable
class StopsInValidation(Protocol):
    """A callback that may end the run between the batches of a validation."""

    def stop_in_validation(self, trainer: pl.Trainer) -> None:
        """Stop where that was asked for and loses nothing. All processes must call it together."""


@runtime_checkable
class TimesSteps(Protocol):
    """A callback that tries settings in the first steps."""

    @property
    def choosing(self) -> bool:
        """Whether steps are still being timed."""


# ---- loggers


@runtime_checkable
class LogsImages(Protocol):
    """A logger of pictures, as Lightning's of W&B is."""

    def log_image(self, key: str, images: list[np.ndarray], step: int | None = None,
                  **others: Sequence[object]) -> None:
        """Log images (H,W,3) uint8; `masks` may go with them, a dictionary for each."""


@runtime_checkable
class LogsSamples(Protocol):
    """A logger of tables that hold pictures."""

    def log_samples(self, columns: Sequence[str], rows: Sequence[Sequence[str | np.ndarray]]) -> None:
        """Log a table of words and of images (H,W,3) uint8."""


@runtime_checkable
class LogsBest(Protocol):
    """A logger that hears of every improvement."""

    def log_best(self, metric: str, value: float, epoch: int) -> None:
        """Log that `metric`, which chooses `best.ckpt`, has a new best value, at an epoch from 0 on."""


@runtime_checkable
class LogsCheckpoints(Protocol):
    """A logger that keeps checkpoints."""

    def log_checkpoint(self, path: Path, facts: Mapping[str, object]) -> None:
        """Keep a file, and what is known of it, when training ends."""
