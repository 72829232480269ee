"""How many processes train: those of `gpus` and `nodes`, those that are running already, or what the machine has.

Resolvers for the files of conf/, so that trainer and launcher follow the same two keys:

- `${first:A,B}` is A, or B where A is null;
- `${tasks:DEVICES}` is the number of processes on a node that `trainer.devices` makes; 1 where only the node can tell;
- `${strategy:DEVICES,NODES}` is Lightning's strategy for so many.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.device import uses_cuda
from semsynth.errors import ConfigError
from semsynth.place import Place, place

DDP = "ddp_find_unused_parameters_true"  # each of the two steps leaves the other network's parameters unused
ALL = ("auto", -1, "-1")
Devices = int | str | Sequence[int]  # as Lightning takes them: a number, `auto`, "0,1", [0,1]
SHELLS = ("bash", "interactive")  # Slurm's names of jobs in which Lightning starts the processes itself


def started() -> Place | None:
    """This process among those that torchrun or srun has started, as Lightning tells; None where it is to start them.

    Raises:
        ConfigError: the tasks of a job of Slurm were not started, or not in equal numbers on its nodes; Lightning would
            wait for them.
    """
    here, tasks = place(), int(os.environ.get("SLURM_NTASKS", "0"))
    if here is not None and here.by == "torchrun":
        return here
    if not tasks or os.environ.get("SLURM_JOB_NAME") in SHELLS:
        return None
    if tasks > 1 and (here is None or "SLURM_NTASKS_PER_NODE" not in os.environ):
        why = "of which srun has started none" if here is None else "which may be unevenly spread over its nodes"
        raise ConfigError(f"this job of Slurm has {tasks} tasks, {why}: give sbatch or srun --ntasks-per-node=NUMBER, "
                          f"and start the command with srun, as in srun python train.py ...")
    return here or Place(0, 1, 0, 1, "srun")


def complete_processes(cfg: DictConfig) -> None:
    """Set `trainer.devices` and `trainer.num_nodes` to numbers, in place.

    Where nothing is said, or `auto`, these are the processes that torchrun or srun has started, or otherwise all GPUs
    of the machine for `auto`.

    Raises:
        ConfigError: another number of processes was started than is asked for.
    """
    trainer = cfg.trainer
    said = cfg.get("gpus") is not None or not OmegaConf.is_interpolation(trainer, "devices")
    nodes_said = cfg.get("nodes", 1) != 1 or not OmegaConf.is_interpolation(trainer, "num_nodes")
    if started() is not None:
        take_started(cfg, said and trainer.devices not in ALL, nodes_said)
    elif trainer.devices in ALL:
        trainer.devices = _all(cfg)


def take_started(cfg: DictConfig, devices_said: bool, nodes_said: bool) -> None:
    """Train with the processes that run already, where there are any, in place.

    Args:
        cfg: The configuration.
        devices_said: Whether `trainer.devices` was asked for, and must be as many as run.
        nodes_said: Whether `trainer.num_nodes` was.

    Raises:
        ConfigError: another number of processes was started than is asked for.
    """
    running = started()
    if running is None:
        return
    each = tasks(cfg.trainer.devices) if devices_said else running.each
    nodes = int(cfg.trainer.num_nodes) if nodes_said else running.nodes
    if (each, nodes) == (running.each, running.nodes):
        cfg.trainer.num_nodes = nodes
        cfg.trainer.devices = cfg.trainer.devices if devices_said else each
        return
    way = (f"torchrun --nproc-per-node={each} --nnodes={nodes}" if running.by == "torchrun" else
           f"sbatch --nodes={nodes} --ntasks-per-node={each}, and srun in it")
    raise ConfigError(f"gpus={each} nodes={nodes}, but {running.by} has started gpus={running.each} "
                      f"nodes={running.nodes}: leave both out, or start {way}")


def _all(cfg: DictConfig) -> int:
    if not uses_cuda(cfg):
        return 1
    import torch

    return torch.cuda.device_count()


def tasks(devices: Devices) -> int:
    """The processes on a node for `trainer.devices`; 1 where only the node can tell."""
    if isinstance(devices, str) and "," in devices:
        return len([device for device in devices.split(",") if device.strip()])
    if isinstance(devices, int | str):
        number = int(devices) if str(devices).isdigit() else 1
        return max(1, number)
    return len(devices)


def processes(cfg: DictConfig) -> int:
    """All processes of a training, once `complete_processes` has set them."""
    return tasks(cfg.trainer.get("devices", 1)) * int(cfg.trainer.get("num_nodes", 1))


def strategy(devices: Devices, nodes: int = 1) -> str:
    """Lightning's strategy for so many processes."""
    return DDP if devices in ALL or tasks(devices) * nodes > 1 else "auto"


def _first(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


for _name, _function in (("first", _first), ("tasks", tasks), ("strategy", strategy)):
    OmegaConf.register_new_resolver(_name, _function, replace=True)
