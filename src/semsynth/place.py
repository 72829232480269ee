"""Which process this is of those that torchrun or srun has started together."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A process among those that were started together.

    Attributes:
        rank: Its number among all, from 0 on.
        world: All processes.
        local: Its number on its node, from 0 on.
        nodes: Machines.
        by: What has started them.
    """

    rank: int
    world: int
    local: int
    nodes: int
    by: str

    @property
    def each(self) -> int:
        """Processes on every node, where these are equally many."""
        return self.world // self.nodes


def place() -> Place | None:
    """The place of this process; None where neither has started it, as in a script of sbatch without `srun`."""
    if {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys():
        rank, world, local = _numbers("RANK", "WORLD_SIZE", "LOCAL_RANK")
        return Place(rank, world, local, world // int(os.environ.get("LOCAL_WORLD_SIZE", world)), "torchrun")
    if "SLURM_STEP_NUM_TASKS" in os.environ:  # of srun alone
        rank, world, local = _numbers("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
        return Place(rank, world, local, int(os.environ.get("SLURM_STEP_NUM_NODES", "1")), "srun")
    return None


def started_alone() -> bool:
    """Whether no other process has been started together with this one."""
    here = place()
    return here is None or here.world == 1


def _numbers(*names: str) -> tuple[int, ...]:
    return tuple(int(os.environ[name]) for name in names)
