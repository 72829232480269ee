"""How many processes train: those of `gpus` and `nodes`, those that are running already, or what the machine has.

Resolvers for the files of conf/, so that trainer and launcher follow the same two keys:

- `${first:A,B}` is A, or B where A is null;
- `${tasks:DEVICES}` is the number of processes on a node that `trainer.devices` makes; 1 where only the node can tell;
- `${strategy:DEVICES,NODES}` is Lightning's strategy for so many.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.device import uses_cuda
from semsynth.errors import ConfigError

DDP = "ddp_find_unused_parameters_true"  # each of the two steps leaves the other network's parameters unused
ALL = ("auto", -1, "-1")
Devices = int | str | Sequence[int]  # as Lightning takes them: a number, `auto`, "0,1", [0,1]


@dataclass(frozen=True)
class Started:
    """Processes that run already: `each` on every one of `nodes`, started `by` a program."""

    each: int
    nodes: int
    by: str


def started() -> Started | None:
    """The processes that torchrun or srun has started together with this one; None where Lightning is to start them."""
    environment = os.environ
    if "LOCAL_RANK" in environment and "WORLD_SIZE" in environment:
        world = int(environment["WORLD_SIZE"])
        here = int(environment.get("LOCAL_WORLD_SIZE", world))
        return Started(here, world // here, "torchrun")
    # as Lightning tells; in a shell of salloc, which Slurm calls so, it starts them itself
    if "SLURM_NTASKS" in environment and environment.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        nodes = int(environment.get("SLURM_NNODES", "1"))
        each = environment.get("SLURM_NTASKS_PER_NODE", "")
        return Started(int(each) if each.isdigit() else int(environment["SLURM_NTASKS"]) // nodes, nodes, "srun")
    return None


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
