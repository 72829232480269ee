"""A process knows its place among those that were started with it."""

import pytest

from semsynth.place import Place, place, started_alone

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
STEP = {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1", "SLURM_STEP_NUM_NODES": "2"}


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, None), (TORCHRUN, Place(5, 8, 1, 2, "torchrun")), (STEP, Place(3, 4, 1, 2, "srun")),
    (STEP | TORCHRUN, Place(5, 8, 1, 2, "torchrun")),  # torchrun in a task of srun for each node
    (STEP | {"SLURM_STEP_NUM_TASKS": "5"}, Place(3, 5, 1, 2, "srun")),  # 2 and 3 of them on the nodes
    (STEP | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1", "SLURM_PROCID": "0"}, Place(0, 1, 1, 1, "srun")),
    ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}, None)])  # a script of sbatch, without srun
def test_a_process_knows_its_place(monkeypatch, environment, expected):
    for name in (*TORCHRUN, *STEP):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert place() == expected
    assert started_alone() == (expected is None or expected.world == 1)
