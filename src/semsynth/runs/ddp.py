"""The processes of a run: the first one of a node tells the others where they belong."""

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from semsynth.errors import ConfigError
from semsynth.runs.directory import Run

RUN_VARIABLE = "SEMSYNTH_RUN_DIR"
CHECKPOINT_VARIABLE = "SEMSYNTH_CHECKPOINT"


def is_first_process() -> bool:
    """Whether this is the first process of the run, or the only one."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "RANK", "SLURM_PROCID"))


def handed_over_by_rank_zero() -> tuple[DictConfig, Path | None] | None:
    """Configuration and checkpoint where this process was started by the first one of its node; None otherwise."""
    run_dir = os.environ.get(RUN_VARIABLE)
    if run_dir is None or os.environ.get("LOCAL_RANK", "0") == "0":
        return None
    checkpoint = os.environ.get(CHECKPOINT_VARIABLE)
    return Run(run_dir).config, Path(checkpoint) if checkpoint else None


def tell_other_processes(run_dir: Path, checkpoint: Path | None) -> None:
    """Hand the run directory to the processes that the trainer will start: they compose nothing themselves.

    Lightning starts them with the same command line. In a sweep that would be the whole sweep once more.
    """
    os.environ[RUN_VARIABLE] = str(run_dir.resolve())
    os.environ.pop(CHECKPOINT_VARIABLE, None)
    if checkpoint is not None:
        os.environ[CHECKPOINT_VARIABLE] = str(checkpoint.resolve())


def check_other_nodes(trainer: Any) -> None:
    """See that something starts the processes of other nodes, for which this one would wait without a word.

    Raises:
        ConfigError: nothing does.
    """
    from lightning_fabric.plugins.environments import LightningEnvironment

    alone = isinstance(getattr(trainer.strategy, "cluster_environment", None), LightningEnvironment)
    if trainer.num_nodes > 1 and alone and not {"NODE_RANK", "GROUP_RANK"} & os.environ.keys():  # of starts by hand
        raise ConfigError(f"nodes={trainer.num_nodes}: nothing has started this training on the other nodes. srun "
                          "does, as in srun python train.py ... within a script of sbatch, or torchrun, or "
                          "python train.py -m hydra/launcher=slurm ...")
