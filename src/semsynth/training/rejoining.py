"""The processes of a training find each other, also where torchrun has started all of them anew, and begin as one."""

from pathlib import Path

import pytorch_lightning as pl
import torch.distributed as dist

from semsynth.sharing import gathered, store_of_restart
from semsynth.training.system import Batches, system_of
from semsynth.training.undeclared import datamodule


def rejoin(trainer: pl.Trainer) -> None:
    """Before a training whose processes torchrun has restarted (`--max-restarts`), join them.

    Lightning takes up a group of processes that is there.
    """
    if trainer.world_size == 1 or dist.is_initialized():
        return
    store = store_of_restart(trainer.world_size)
    if store is not None:
        backend = "nccl" if trainer.strategy.root_device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=trainer.global_rank, world_size=trainer.world_size)


class SameStart(pl.Callback):
    """See that all processes begin at the same place and with equal batches, before the first of them.

    Each has looked for the checkpoint by itself, on its own node and at its own time. Otherwise they would average the
    gradients of different epochs, and nothing would tell.

    Args:
        checkpoint: Where this process goes on; None: from the beginning.

    Raises:
        ConfigError: they differ; says how.
    """

    def __init__(self, checkpoint: Path | None) -> None:
        self.checkpoint = checkpoint

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Compare, as soon as the processes are connected."""
        data = datamodule(trainer)
        batch = data.batch if isinstance(data, Batches) else "some"
        place = "the beginning" if self.checkpoint is None else self.checkpoint.name
        gathered(None, f"train from {place} with {system_of(pl_module).accumulate} x {batch} samples")
