import signal

import pytest
import pytorch_lightning as pl

from semsynth.training import preemption
from semsynth.training.preemption import Preempted, Preemption


class Send(pl.Callback):
    def __init__(self, signum, times=1):
        self.signum, self.times = signum, times

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == 1:
            for _ in range(self.times):
                signal.raise_signal(self.signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_writes_last_and_stops(tiny, tmp_path, signum):
    before = signal.getsignal(signum)
    with pytest.raises(Preempted, match=signum.name) as stop:
        tiny.trainer(tmp_path, [Send(signum), Preemption(tmp_path)]).fit(tiny.system(), datamodule=tiny.data())
    assert (tmp_path / "last.ckpt").is_file()
    assert stop.value.signum == signum
    assert not stop.value.requeued
    assert signal.getsignal(signum) == before


@pytest.fixture
def _interruptible():
    """Ctrl-C as in a command: the workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_a_second_signal_acts_at_once(tiny, tmp_path):
    with pytest.raises(SystemExit):  # Lightning's answer to Ctrl-C
        tiny.trainer(tmp_path, [Send(signal.SIGINT, times=2), Preemption(tmp_path)]).fit(
            tiny.system(), datamodule=tiny.data())
    assert not (tmp_path / "last.ckpt").exists()


def test_under_slurm_a_run_that_can_continue_is_requeued(tiny, tmp_path, monkeypatch):
    calls = []

    class Done:
        returncode = 0

    monkeypatch.setattr(preemption.subprocess, "run", lambda command, **_: calls.append(command) or Done())
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")

    def stopped(resume):
        trainer = tiny.trainer(tmp_path, [Send(signal.SIGUSR1), Preemption(tmp_path, resume=resume)])
        monkeypatch.setenv("SLURM_JOB_ID", "15")  # after the trainer, which would look for the cluster
        with pytest.raises(Preempted) as stop:
            trainer.fit(tiny.system(), datamodule=tiny.data())
        monkeypatch.delenv("SLURM_JOB_ID")
        return stop.value.requeued

    assert stopped("auto")
    assert calls == [["scontrol", "requeue", "12_3"]]
    assert not stopped(None)
    assert len(calls) == 1
