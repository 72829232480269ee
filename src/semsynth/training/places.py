"""Checkpoints at places from which Lightning alone would not go on rightly.

Lightning's counters say where a run stands, and a resumed run reads there what is left to do. These contexts lend them
the values that belong to a place, for as long as a checkpoint is written. Each batch is counted as ready, started,
processed and completed, in this order.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytorch_lightning as pl

from semsynth.training.undeclared import trackers


@contextmanager
def before_validation(trainer: pl.Trainer) -> Iterator[None]:
    """Before a validation begins (`on_validation_start`): a resumed run validates first, then ends the epoch.

    Lightning runs a validation again where the checkpoint was written within one of its batches.
    """
    progress = trainer.fit_loop.epoch_loop.val_loop.batch_progress
    kept = progress.state_dict()
    for tracker in trackers(progress):
        tracker.ready = tracker.started = tracker.completed + 1
        tracker.processed = tracker.completed
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
    for tracker in trackers(epochs):
        tracker.processed -= int(epoch_ended)
    for tracker in trackers(batches):
        tracker.ready -= pending
        tracker.started = tracker.processed = tracker.ready
        tracker.completed = tracker.ready - 1  # as in `on_train_batch_end`
    batches.is_last_batch = False  # before the last batch it is already told of this one, and the epoch would be over
    loop._batches_that_stepped -= pending + int(epoch_ended)
    try:
        yield
    finally:
        epochs.load_state_dict(kept[0])
        batches.load_state_dict(kept[1])
        loop._batches_that_stepped = steps
