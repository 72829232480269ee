"""What Lightning's trainer has and its classes do not declare."""

import pytorch_lightning as pl
from pytorch_lightning.loops.progress import _ProcessedTracker, _Progress


def callbacks(trainer: pl.Trainer) -> list[pl.Callback]:
    """The callbacks, in the order in which they are called."""
    found: list[pl.Callback] = getattr(trainer, "callbacks", [])
    return found


def fast_dev_run(trainer: pl.Trainer) -> bool:
    """Whether a trainer only tries a few batches, and leaves nothing."""
    return bool(getattr(trainer, "fast_dev_run", False))


def datamodule(trainer: pl.Trainer) -> object:
    """What makes the loaders; None where they were given as they are."""
    return getattr(trainer, "datamodule", None)


def trackers(progress: _Progress) -> list[_ProcessedTracker]:
    """The counters of a loop: of the whole training, and of its epoch."""
    return [tracker for tracker in (progress.total, progress.current) if isinstance(tracker, _ProcessedTracker)]
