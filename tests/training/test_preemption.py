import signal
import time
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf

from semsynth.runs.stopping import stoppable
from semsynth.training import patience, signals
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.ema import EMA
from semsynth.training.preemption import Preempted, Preemption
from semsynth.training.scores import Scores


class Send(pl.Callback):
    def __init__(self, signum, times=1):
        self.signum, self.times = signum, times

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 1:
            for _ in range(self.times):
                signal.raise_signal(self.signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_writes_last_and_stops(tiny, tmp_path, signum, capfd):
    before = signal.getsignal(signum)
    with pytest.raises(Preempted, match=signum.name) as stop:
        tiny.trainer(tmp_path, [Send(signum), Preemption(tmp_path)]).fit(tiny.system(), datamodule=tiny.data())
    assert (tmp_path / "last.ckpt").is_file()
    assert f"{signum.name}: stops after this batch" in capfd.readouterr().err  # which may take a while
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


def test_a_signal_before_a_validation_within_an_epoch_leaves_it_to_the_resumed_run(tiny, tmp_path):
    class Validated(pl.Callback):
        batches = 0

        def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
            self.batches += 1

    validated = Validated()
    with pytest.raises(Preempted):
        tiny.trainer(tmp_path, [Send(signal.SIGTERM), validated, Preemption(tmp_path)], val_check_interval=2).fit(
            tiny.system(), datamodule=tiny.data())
    assert validated.batches == 0
    with pytest.raises(Preempted):  # it validates, trains batch 1 of the next epoch and is sent a signal there
        tiny.trainer(tmp_path, [Send(signal.SIGTERM), validated, Preemption(tmp_path)], val_check_interval=2).fit(
            tiny.system(), datamodule=tiny.data(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert validated.batches > 0


@pytest.mark.parametrize("scoring", [False, True])
def test_a_signal_in_a_validation_stops_it(tiny, tmp_path, scoring):
    """Between its batches, and between those of the scores."""

    class SendInValidation(pl.Callback):
        batches = 0

        def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
            self.batches += 1
            if self.batches == 2 and not scoring:
                signal.raise_signal(signal.SIGTERM)

    def assess(generator, encoder, between):
        signal.raise_signal(signal.SIGTERM)
        between()
        pytest.fail("not stopped")

    assess.prepare = lambda *_: {}
    send = SendInValidation()
    callbacks = [EMA(0.9), send, Checkpoints(tmp_path), Preemption(tmp_path)] + [Scores(assess, 1)] * scoring
    system = tiny.system()
    with pytest.raises(Preempted):
        tiny.trainer(tmp_path, callbacks, limit_val_batches=4).fit(system, datamodule=tiny.data())
    assert send.batches == (4 if scoring else 2)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    trained = saved["state_dict"]["generator.colour.weight"]
    assert torch.equal(system.generator.colour.weight, trained)  # not the averages
    assert not torch.equal(saved["callbacks"]["EMA"]["generator"]["colour.weight"], trained)


def test_the_batch_at_which_a_run_stops_is_logged(tiny, tmp_path):
    path = tmp_path / "metrics.csv"
    with pytest.raises(Preempted):
        tiny.trainer(tmp_path, [Send(signal.SIGTERM), Preemption(tmp_path)], logger=CsvMetrics(path),
                     log_every_n_steps=2).fit(tiny.system(), datamodule=tiny.data())
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["step", "1"]


@pytest.fixture
def scontrol(monkeypatch):
    """A stand-in for Slurm's command; tests/cluster has the real one. `told` is the state of the job."""
    def run(command, **_):
        scontrol.called.append(command[1:])
        return SimpleNamespace(returncode=0, stdout=f"JobId=15\n   {scontrol.told} Dependency=(null)\n")

    scontrol = SimpleNamespace(called=[], told="JobState=RUNNING Reason=None")
    before = {number: signal.getsignal(number) for number in signals.SIGNALS}
    monkeypatch.setattr(signals.subprocess, "run", run)
    monkeypatch.setitem(signals._job, "leaves", False)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    yield scontrol
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("resume", "told", "requeued"), [
    ("auto", "JobState=RUNNING Reason=None", True),
    ("auto", "JobState=COMPLETING Reason=TimeLimit", True),
    ("auto", "JobState=COMPLETING Reason=None", False),  # scancel
    ("auto", "JobState=RUNNING Reason=None Restarts=1", False),  # on another node, where this one was given up
    (None, "JobState=RUNNING Reason=None", False),
])
def test_under_slurm_a_run_that_can_continue_is_requeued(tiny, tmp_path, scontrol, resume, told, requeued):
    """And stops with a checkpoint though srun and Slurm both send it the signal."""
    scontrol.told = told
    trainer = tiny.trainer(tmp_path, [Send(signal.SIGTERM, times=2), Preemption(tmp_path, resume=resume)])
    with pytest.raises(Preempted) as stop:
        trainer.fit(tiny.system(), datamodule=tiny.data())
    assert stop.value.requeued == requeued
    assert (["requeue", "12_3"] in scontrol.called) == requeued
    assert (tmp_path / "last.ckpt").is_file()


def test_the_end_that_slurm_makes_of_a_requeued_job_does_not_cut_its_words_short(tiny, tmp_path, scontrol):
    """Lightning gives back the signals that it found, before the last words are said."""
    cfg = OmegaConf.create({"run_dir": str(tmp_path / "run"), "resume": "auto"})
    with stoppable(cfg):
        with pytest.raises(Preempted) as stop:
            tiny.trainer(tmp_path, [Send(signal.SIGUSR1), Preemption(tmp_path, resume="auto")]).fit(
                tiny.system(), datamodule=tiny.data())
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.requeued
    signal.raise_signal(signal.SIGTERM)


class Hang(pl.Callback):
    """A batch that does not end before Slurm has been asked to start the job again, or for a second."""

    def __init__(self, scontrol):
        self.scontrol = scontrol

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        end = time.monotonic() + 1
        while batch_idx == 1 and ["requeue", "12_3"] not in self.scontrol.called and time.monotonic() < end:
            time.sleep(0.01)


@pytest.mark.parametrize(("signum", "told", "requeued"), [
    (signal.SIGTERM, "JobState=COMPLETING Reason=TimeLimit", True),
    (signal.SIGTERM, "JobState=COMPLETING Reason=None", False),  # scancel
    (signal.SIGUSR1, "JobState=RUNNING Reason=None", False),  # a warning, after which there is time
], ids=["time limit", "scancel", "warning"])
def test_a_batch_that_outlasts_slurms_patience(tiny, tmp_path, scontrol, monkeypatch, capfd, signum, told, requeued):
    monkeypatch.setattr(patience, "SECONDS", 0.05)
    scontrol.told = told
    callbacks = [Send(signum), Hang(scontrol), Preemption(tmp_path, resume="auto")]
    with pytest.raises(Preempted) as stop:
        tiny.trainer(tmp_path, callbacks).fit(tiny.system(), datamodule=tiny.data())
    assert ("the batch has not ended: Slurm will start it again" in capfd.readouterr().err) == requeued
    assert scontrol.called.count(["requeue", "12_3"]) == (told != "JobState=COMPLETING Reason=None")  # once
    assert stop.value.requeued == (told != "JobState=COMPLETING Reason=None")
