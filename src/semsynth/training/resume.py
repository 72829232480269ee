"""Going on in the middle of an epoch."""

from typing import Any

import pytorch_lightning as pl


class ContinueEpoch(pl.Callback):
    """After a checkpoint is loaded, let the sampler leave out what the interrupted epoch has already seen.

    Lightning restores its counters but not the place in the data. The loader's sampler needs `set_epoch(epoch)` and
    `skip(samples)`.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the sampler and start its iteration anew."""
        loop = trainer.fit_loop
        fetcher = loop._data_fetcher
        if fetcher is None or not (loop.is_resuming or loop.restarting):
            return
        seen = loop.epoch_loop.batch_progress.current.ready if loop.restarting else 0
        loader: Any = trainer.train_dataloader
        loader.sampler.set_epoch(trainer.current_epoch)
        loader.sampler.skip(seen * loader.batch_size)
        iter(fetcher)  # workers may have read ahead from the start of another epoch
