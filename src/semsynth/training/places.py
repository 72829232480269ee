"""Checkpoints at places from which Lightning alone would not go on rightly.

Lightning's counters say where a run stands, and a resumed run reads there what is left to do. These contexts lend them
the values that belong to a place, for as long as a checkpoint is written. Each batch is counted as ready, started,
processed and completed, in this order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl


@contextmanager
def before_validation(trainer: pl.Trainer) -> Iterator[None]:
    """Before a validation begins (`on_validation_start`): a resumed run validates first, then ends the epoch.

    Lightning runs a validation again where the checkpoint was written within one of its batches.
    """
    progress = trainer.fit_loop.epoch_loop.val_loop.batch_progress
    kept = progress.state_dict()
    for tracker in (progress.total, progress.current):
        tracker.ready = tracker.started = tracker.completed + 1  # type: ignore[attr-defined]
        tracker.processed = tracker.completed  # type: ignore[attr-defined]
    try:
        yield
    finally:
        progress.load_state_dict(kept)


@contextmanager
def within_epoch(trainer: pl.Trainer, pending: int, epoch_ended: bool) -> Iterator[None]:
    """After a batch of an epoch that ends early (`trainer.should_stop`): a resumed run goes on with the next batch.

    Args:
        trainer: The trainer.
        pending: Last batches that no optimizer step has used yet; they are taken again.
        epoch_ended: Whether Lightning has counted the epoch as over, as in `on_train_epoch_end`.
    """
    loop = trainer.fit_loop.epoch_loop
    epochs, batches, steps = trainer.fit_loop.epoch_progress, loop.batch_progress, loop._batches_that_stepped
    kept = epochs.state_dict(), batches.state_dict()
    trackers: Any = (epochs.total, epochs.current)
    for tracker in trackers:
        tracker.processed -= int(epoch_ended)
    trackers = (batches.total, batches.current)
    for tracker in trackers:
        tracker.ready -= pending
        tracker.started = tracker.processed = tracker.ready
        tracker.completed = tracker.ready - 1  # as in `on_train_batch_end`
    loop._batches_that_stepped -= pending + int(epoch_ended)
    try:
        yield
    finally:
        epochs.load_state_dict(kept[0])
        batches.load_state_dict(kept[1])
        loop._batches_that_stepped = steps
