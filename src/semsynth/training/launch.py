"""Running a trainer so that every way it can end has a clear message."""

import os
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
import torch.distributed

from semsynth.training.faults import TrainingStopped, memory_advice

# What Lightning leaves in the environment when it starts the processes of one node.
PROCESS_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")


def fit(trainer: pl.Trainer, system: pl.LightningModule, data: pl.LightningDataModule, checkpoint: Path | None,
        batch: int, checkpointing: bool = False) -> None:
    """Train, from the beginning or from a checkpoint.

    Leaves the process as it was found, so that a sweep can train again in it.

    Args:
        trainer: The trainer.
        system: The networks and how they are trained, with `accumulate`.
        data: The loaders.
        checkpoint: Where to continue; None: from the beginning.
        batch: Samples in a batch, for the message when memory runs out.
        checkpointing: Whether the generator recomputes its blocks, for the same.

    Raises:
        TrainingStopped: a loss is not finite, or the accelerator is out of memory.
        Preempted: a signal stopped it; `last.ckpt` is written.
    """
    environment = {name: os.environ.get(name) for name in PROCESS_VARIABLES}
    try:
        trainer.fit(system, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except torch.OutOfMemoryError as error:
        advice = memory_advice(batch, system.accumulate, str(trainer.precision), checkpointing)
        raise TrainingStopped(f"{advice}\n{str(error).splitlines()[0]}") from error
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def quiet_known_warnings() -> None:
    """Hide the one warning that Lightning 2.6 causes in itself with current PyTorch."""
    warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
