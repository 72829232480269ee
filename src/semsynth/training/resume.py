"""Going on in the middle of an epoch."""

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info

from semsynth.errors import TrainingStopped
from semsynth.training.system import training_loader
from semsynth.training.undeclared import trackers


class ContinueEpoch(pl.Callback):
    """After a checkpoint is loaded, let the sampler leave out what the interrupted epoch has already seen.

    Lightning restores its counters but not the place in the data. Neither knows how many processes shared the epoch so
    far, nor how large their batches were: where that changes, each of the samples that are left is seen once, and the
    counters of the batches are set to what is left. In such an epoch they tell how far its end is; how many samples
    were seen beyond what they tell stays with the checkpoint, for further interruptions. The loader's sampler needs
    `length`, `world`, `set_epoch(epoch)` and `skip(samples)`.

    Raises:
        TrainingStopped: in the middle of an epoch the training set has another number of samples than before.
    """

    def __init__(self) -> None:
        self._world = self._length = self._batch = 0
        self._ahead, self._ahead_in = 0, -1  # samples seen beyond what the counters tell, and the epoch where it is so
        self._before: dict[str, int] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the sampler and start its iteration anew."""
        loop = trainer.fit_loop
        fetcher, loader = loop._data_fetcher, training_loader(trainer)
        self._world, self._length, self._batch = loader.sampler.world, loader.sampler.length, loader.batch_size
        if fetcher is None or not (loop.is_resuming or loop.restarting):
            return
        before, self._before = self.state_dict() | self._before, {}
        seen = loop.epoch_loop.batch_progress.current.ready if loop.restarting else 0
        if seen and before["length"] != self._length:
            raise TrainingStopped(f"the training set has {self._length} samples, but the epoch that would go on here "
                                  f"has {before['length']}: give the run its data back until the epoch is over, or "
                                  f"start a new run from its weights with init_from=DIR")
        ahead = before["ahead"] if before["ahead_in"] == trainer.current_epoch else 0
        skipped = min(seen * before["batch"] * before["world"] + ahead, self._length) if seen else 0
        loader.sampler.set_epoch(trainer.current_epoch)
        loader.sampler.skip(skipped)
        if before["world"] != self._world:
            rank_zero_info(f"{self._world} processes go on with what {before['world']} have begun")
        if seen and before["world"] * before["batch"] != self._world * self._batch:
            _count_anew(trainer, self._length - skipped)
        told = loop.epoch_loop.batch_progress.current.ready * loader.batch_size * self._world
        self._ahead = skipped - told if seen else 0  # between two epochs the counters are those of the one that is over
        self._ahead_in = trainer.current_epoch if self._ahead else -1
        iter(fetcher)  # workers may have read ahead from the start of another epoch

    def state_dict(self) -> dict[str, int]:
        """Processes that share the training set, its samples, those of a batch, and how they are counted."""
        return {"world": self._world, "length": self._length, "batch": self._batch,
                "ahead": self._ahead, "ahead_in": self._ahead_in}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """How the training was shared until now."""
        self._before = state_dict


def _count_anew(trainer: pl.Trainer, samples: int) -> None:
    """Let the batches of this epoch count as if its last `samples` were those that are left of it."""
    loader, progress = training_loader(trainer), trainer.fit_loop.epoch_loop.batch_progress
    left, batches = samples // loader.sampler.world // loader.batch_size, int(trainer.num_training_batches)
    # Where all batches were seen, the validation is left. Otherwise an epoch cannot begin at its end: where too few
    # samples are left for a batch, it ends with the first attempt to read.
    place = batches if progress.is_last_batch else min(max(len(loader) - left, 1), batches - 1)
    shift = place - progress.current.ready
    for tracker in trackers(progress):
        for name in ("ready", "started", "processed", "completed"):
            setattr(tracker, name, getattr(tracker, name) + shift)
