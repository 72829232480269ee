"""The processes of a training find each other again where torchrun has started all of them anew."""

import pytorch_lightning as pl
import torch.distributed as dist

from semsynth.sharing import store_of_restart


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
