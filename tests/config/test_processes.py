"""gpus and nodes mean the same to the trainer, to Slurm and to processes that run already."""

import pytest
from commands import composed

from semsynth.config.processes import DDP, complete_processes, processes, started, strategy, tasks
from semsynth.errors import ConfigError

LOCAL = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE",
         "SLURM_JOB_NAME", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Sets the variables of a process that torchrun or srun has started; none at first."""
    for name in LOCAL:
        monkeypatch.delenv(name, raising=False)

    def set_all(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return set_all


def torchrun(each, nodes):
    return {"RANK": 0, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": each, "WORLD_SIZE": each * nodes}


def sbatch(each, nodes):
    """Of a script without srun."""
    return {"SLURM_NTASKS": each * nodes, "SLURM_NTASKS_PER_NODE": each, "SLURM_JOB_NAME": "train", "SLURM_PROCID": 0,
            "SLURM_LOCALID": 0}


def srun(each, nodes):
    return {**sbatch(each, nodes), "SLURM_STEP_NUM_TASKS": each * nodes, "SLURM_STEP_NUM_NODES": nodes}


@pytest.mark.parametrize(("command", "words", "each", "nodes"), [
    ("train", [], 1, 1), ("train", ["gpus=4", "nodes=2"], 4, 2), ("train_segmenter", ["gpus=4", "nodes=2"], 4, 2),
    ("train", ["nodes=3"], 1, 3), ("train", ["trainer=ddp", "gpus=3"], 3, 1),
    ("train", ["trainer=ddp", "trainer.devices=2"], 2, 1), ("train", ["trainer.devices=[0,2]"], 2, 1),
    ("train", ["trainer=ddp"], 1, 1)])
def test_slurm_starts_the_tasks_that_the_job_then_expects(command, words, each, nodes, environment):
    """Lightning refuses another number of tasks than of devices, once the job runs."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    from lightning_fabric.plugins.environments import SLURMEnvironment

    cfg = composed(command, "hydra/launcher=slurm", *words, return_hydra_config=True)
    launcher = cfg.hydra.launcher
    assert (launcher.tasks_per_node, launcher.gpus_per_node, launcher.nodes) == (each, each, nodes)
    assert launcher.mem_gb is None  # of the node: it would not grow with the tasks, as cpus_per_task and mem_per_cpu do
    environment(srun(launcher.tasks_per_node, launcher.nodes))
    complete_processes(cfg)
    SLURMEnvironment().validate_settings(tasks(cfg.trainer.devices), cfg.trainer.num_nodes)
    assert (processes(cfg), cfg.trainer.strategy) == (each * nodes, DDP if each * nodes > 1 else "auto")


def test_other_commands_take_the_launcher_as_well():
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    launcher = composed("evaluate", "hydra/launcher=slurm", return_hydra_config=True).hydra.launcher
    assert (launcher.tasks_per_node, launcher.nodes) == (1, 1)


@pytest.mark.parametrize(("start", "words", "each", "nodes"), [
    (torchrun, [], 4, 2), (srun, [], 4, 2), (srun, [], 1, 1), (torchrun, ["trainer=ddp"], 2, 1), (sbatch, [], 1, 1),
    (srun, ["gpus=2"], 2, 3), (torchrun, ["gpus=2", "nodes=2"], 2, 2), (srun, ["nodes=2"], 4, 2)])
def test_processes_that_run_already_are_taken(start, words, each, nodes, environment):
    environment(start(each, nodes))
    cfg = composed("train", *words)
    complete_processes(cfg)
    assert (cfg.trainer.devices, cfg.trainer.num_nodes, processes(cfg)) == (each, nodes, each * nodes)


@pytest.mark.parametrize(("start", "words", "message"), [
    (torchrun, ["gpus=4"], "gpus=4 nodes=2, but torchrun has started gpus=2 nodes=2: .*--nproc-per-node=4 --nnodes=2"),
    (srun, ["nodes=3"], "gpus=2 nodes=3, but srun has started gpus=2 nodes=2: .*--nodes=3 --ntasks-per-node=2"),
    (srun, ["trainer.devices=1"], "gpus=1 nodes=2, but srun has started gpus=2 nodes=2")])
def test_another_number_is_refused(start, words, message, environment):
    environment(start(2, 2))
    with pytest.raises(ConfigError, match=message):
        complete_processes(composed("train", *words))


@pytest.mark.parametrize(("start", "left_out", "message"), [
    (sbatch, (), "4 tasks, of which srun has started none: .*srun python train.py"),
    (srun, ("SLURM_NTASKS_PER_NODE",), "4 tasks, which may be unevenly spread .*--ntasks-per-node=NUMBER")])
def test_tasks_that_lightning_would_wait_for_are_refused(start, left_out, message, environment):
    environment({name: value for name, value in start(2, 2).items() if name not in left_out})
    with pytest.raises(ConfigError, match=message):
        complete_processes(composed("train"))


def test_a_part_of_the_tasks_of_a_job_is_no_more_than_that(environment):
    """srun --ntasks=1 in a job of four: what the job has stands beside what the step has."""
    environment({**srun(1, 1), "SLURM_NTASKS_PER_NODE": 4})
    cfg = composed("train")
    complete_processes(cfg)
    assert processes(cfg) == 1


def test_in_a_shell_of_slurm_nothing_has_been_started(environment):
    environment({**srun(4, 1), "SLURM_JOB_NAME": "interactive"})
    assert started() is None


def test_all_devices_of_a_machine_are_counted(gpu, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    for words, count in ((["trainer=ddp"], 3), (["trainer.devices=-1"], 3), ([], 1),
                         (["trainer=ddp", "trainer.accelerator=cpu"], 1)):
        cfg = composed("train", *words)
        complete_processes(cfg)
        assert cfg.trainer.devices == count
        assert cfg.trainer.strategy == strategy(count)
