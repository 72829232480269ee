"""What submitit is told of jobs where Slurm keeps no accounts; tests/cluster asks Slurm itself."""

import pytest
from omegaconf import OmegaConf

from semsynth.cli.queue import AskTheQueue, queue_watcher

QUEUE = """12_0|RUNNING|node1
12_1|PENDING|
12_2|REQUEUE_HOLD|
12_3|COMPLETING|node2
12_4|OUT_OF_MEMORY|node2
13|TIMEOUT|node1
99|RUNNING|node1
"""


@pytest.mark.parametrize(("job", "done"), [("12_0", False), ("12_1", False), ("12_2", False), ("12_3", False),
                                           ("12_4", True), ("13", True), ("12_5", True)])
def test_a_job_is_done_when_it_has_ended_or_left_the_queue(job, done, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setattr("submitit.core.core.subprocess.check_output", lambda command, **_: QUEUE.encode())
    assert queue_watcher().is_done(job) == done


def test_without_slurm_that_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    config = OmegaConf.create({"hydra": {"launcher": {"_target_": "somewhere.SlurmLauncher"}}})
    with pytest.raises(SystemExit) as end:
        AskTheQueue().on_multirun_start(config)
    assert end.value.code == 2
    assert "there is no Slurm on this machine" in capsys.readouterr().err
    config.hydra.launcher._target_ = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    AskTheQueue().on_multirun_start(config)
