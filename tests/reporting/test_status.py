"""What is said of a sweep while it runs, from the files that its jobs leave."""

import json
import os
import subprocess
import sys
import time

import pytest
import yaml

from semsynth.commands.report import main
from semsynth.errors import ReportError
from semsynth.reporting.status import status
from semsynth.runs.failures import note_failure

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
file.write("process 12 on node1\\n")
file.flush()
print("held", flush=True)
time.sleep(60)
"""
WORDS = ["norm=clade", "seed=0,1,2,3,4,5,6", "dataset.root=a b"]
SQUEUE = """#!/bin/sh
echo '7_1|RUNNING|None|rates/1_norm-clade+seed-1'
echo '7_5|PENDING|Resources|rates'
echo '8_6|RUNNING|None|others'
"""


@pytest.fixture
def sweep(tmp_path):
    """The directory of a sweep of seven jobs on Slurm, as it was started."""
    folder = tmp_path / "rates"
    folder.mkdir()
    plan = {"sweep": {"subdir": "${hydra:job.num}_${run_name:${hydra:job.override_dirname}}"},
            "sweeper": {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper", "params": None},
            "overrides": {"hydra": ["hydra.mode=MULTIRUN", "hydra.sweep.dir=elsewhere", "hydra/launcher=slurm"],
                          "task": WORDS},
            "job": {"config_name": "train"}}
    (folder / "multirun.yaml").write_text(yaml.safe_dump({"hydra": plan}))
    return folder


def job(sweep, seed, epoch=None, finished=False, words=None):
    run = sweep / f"{seed}_norm-clade+seed-{seed}"
    run.mkdir(exist_ok=True)
    (run / "config.yaml").touch()
    if epoch:
        (run / "progress.json").write_text(json.dumps(
            {"epoch": epoch, "epochs": 20, "batch": 3, "batches": 50, "left_s": 5400.0}))
    if finished:
        (run / "finished").write_text("20\n")
    if words:
        note_failure(run, words)
    return run


def log(sweep, number, text, kind="err"):
    folder = sweep / ".submitit" / number
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}_0_log.{kind}").write_text(text)


def test_each_job_says_how_it_is_and_the_sweep_how_to_go_on(sweep, tmp_path, monkeypatch):
    (tmp_path / "squeue").write_text(SQUEUE)
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    job(sweep, 0, 20, finished=True)
    running = job(sweep, 1, 2)
    job(sweep, 2, 3, words="the loss is not finite\nTake a lower rate")
    job(sweep, 3, 4)
    note_failure(sweep / "4_norm-clade+seed-4", "dataset.root=DIR: no such folder")
    note_failure(sweep / "5_norm-clade+seed-5", "of the time before")
    job(sweep, 9, 1, finished=True)  # of an earlier sweep; epochs were added since
    for number in range(6):
        log(sweep, f"7_{number}", "epoch 4/20  batch 3/50\n" if number == 3 else "", "out")
    log(sweep, "7_3", "srun: error\nKilled\n\n")
    with subprocess.Popen([sys.executable, "-c", HOLD, running / "in_use"], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        said = status(sweep)
        os.utime(running / "progress.json", (time.time() - 7000,) * 2)
        later = status(sweep)
        holder.kill()
    assert said.splitlines() == [
        f"{sweep}: 8 jobs, 2 finished, 1 running, 2 failed, 1 stopped, 2 waiting",
        "  finished  0_seed-0             epoch 20/20",
        "  running   1_seed-1             epoch 2/20   batch 3/50  90 min left  process 12 on node1",
        "  failed    2_seed-2             epoch 3/20   batch 3/50",
        "      the loss is not finite",
        "      Take a lower rate",
        "  stopped   3_seed-3             epoch 4/20   batch 3/50               Killed",
        "  failed    4_seed-4",
        "      dataset.root=DIR: no such folder",
        "  waiting   5_seed-5                                                   Resources",
        "  waiting   6_seed-6",
        "  finished  9_norm-clade+seed-9  epoch 1/20",
        "once no job runs or waits in a queue, this starts what is not finished, from its checkpoint where it has one:",
        "  python train.py -m hydra/launcher=slurm norm=clade seed=0,1,2,3,4,5,6 'dataset.root=a b' resume=auto "
        f"hydra.sweep.dir={sweep}"]
    assert "process 12 on node1, no batch for 1.9 h" in later


def test_a_job_that_was_killed_is_no_more_running(sweep):
    """Its file is left behind, without the lock."""
    (job(sweep, 0, 2) / "in_use").write_text("process 12 on node1\n")
    assert "  stopped  0_seed-0  epoch 2/20  batch 3/50    without a checkpoint\n" in status(sweep)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"epoch": 1}', '{"epoch": 1, "epochs": "x", "batch": 1}'])
def test_a_file_of_progress_that_is_none_is_passed_over(sweep, text):
    (job(sweep, 0) / "progress.json").write_text(text)
    assert "stopped  0_seed-0" in status(sweep)


@pytest.mark.parametrize("plan", ["", "hydra: {}", "{", "hydra: [1]"])
def test_without_a_plan_the_directories_are_told(sweep, plan):
    """As of a sweeper that chooses its jobs one by one."""
    (sweep / "multirun.yaml").write_text(plan)
    job(sweep, 3, 2)
    assert status(sweep).splitlines()[1:] == [
        "  stopped  3_norm-clade+seed-3  epoch 2/20  batch 3/50    without a checkpoint"]


def test_what_is_no_sweep_is_refused(tmp_path, capsys):
    with pytest.raises(ReportError, match=r"nowhere: there is no such directory: .*status=multirun/NAME"):
        status(tmp_path / "nowhere")
    with pytest.raises(ReportError, match="holds no sweep of trainings"):
        status(tmp_path)
    with pytest.raises(SystemExit) as end:
        main([f"status={tmp_path}"])
    assert end.value.code == 2
