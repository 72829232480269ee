import errno
import os

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from semsynth.errors import DataError, NonFiniteError, TrainingStopped
from semsynth.training import launch
from semsynth.training.preemption import Preempted


@pytest.mark.parametrize(
    ("error", "words"),
    [(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore"), "Tried to allocate 2.00 GiB"),
     (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "DefaultCPUAllocator"),
     (MemoryError(), "MemoryError")],
)
def test_out_of_memory_is_answered_with_what_to_set(tiny, tmp_path, error, words):
    class Full(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            raise error

    with pytest.raises(TrainingStopped, match=r"batch\.device=2 batch\.accumulation=1 trainer") as stop:
        launch.fit(tiny.trainer(tmp_path, [Full()]), tiny.system(), tiny.data(), None)
    assert "batch.total=2 batch.device=1 " in str(stop.value)
    assert words in str(stop.value)


def test_the_environment_of_processes_is_given_back(tiny, tmp_path, monkeypatch):
    class Launches(pl.Callback):
        def on_train_start(self, trainer, pl_module):
            os.environ.update(LOCAL_RANK="0", WORLD_SIZE="2", MASTER_PORT="1")

    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("MASTER_PORT", "5")
    launch.fit(tiny.trainer(tmp_path, [Launches()], max_epochs=1), tiny.system(), tiny.data(), None)
    assert "LOCAL_RANK" not in os.environ
    assert os.environ["MASTER_PORT"] == "5"


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Preempted(15, requeued=False), 143, "SIGTERM after writing last.ckpt; continue with: "
                                             "python train.py resume=DIR"),
        (Preempted(10, requeued=True), 0, "Slurm will start it again"),
        (TrainingStopped("a loss is NaN"), 1, "a loss is NaN"),
        (DataError("x.png is truncated"), 2, "x.png is truncated"),
    ],
)
def test_ends_have_words_and_codes(fault, code, words, capsys):
    with pytest.raises(SystemExit) as end, launch.report_failures("DIR"):
        raise fault
    assert end.value.code == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("a fault of the code"), KeyboardInterrupt()], ids=repr)
def test_any_end_closes_the_run_of_wandb(error, monkeypatch):
    """In a sweep of one process the next job would go on logging into it."""
    closed = []
    monkeypatch.setattr(launch, "finish_wandb", lambda failed=False: closed.append(failed))
    with pytest.raises(type(error)), launch.report_failures("DIR"):
        raise error
    assert closed == [True]


def test_the_last_checkpoint_is_named(tmp_path, capsys):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    with pytest.raises(SystemExit), launch.report_failures(str(tmp_path)):
        raise TrainingStopped("a loss is NaN")
    assert str(tmp_path / "checkpoints" / "last.ckpt") in capsys.readouterr().err


def test_without_a_checkpoint_that_is_said(tmp_path, capsys):
    with pytest.raises(SystemExit), launch.report_failures(str(tmp_path)):
        raise TrainingStopped("a loss is NaN")
    assert "no checkpoint yet" in capsys.readouterr().err


def test_in_a_sweep_a_fault_passes_on_with_its_words(tmp_path, capsys):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    words = "(?s)a loss is NaN\nThe last checkpoint before it: .*last.ckpt"
    with pytest.raises(TrainingStopped, match=words), launch.report_failures(str(tmp_path), reraise=True):
        raise TrainingStopped("a loss is NaN")
    assert capsys.readouterr().err == ""  # the command says it


@pytest.mark.parametrize(("fault", "told"), [
    (DataError("x.png is truncated"), "process 1: x.png is truncated\n"), (NonFiniteError("a loss is NaN"), ""),
    (RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer"), "")])
def test_what_one_process_meets_alone_it_says_itself(tmp_path, capsys, monkeypatch, fault, told):
    """What all meet is said by the first, and so is that another one has ended."""
    monkeypatch.setattr(launch.rank_zero_only, "rank", 1)
    monkeypatch.setattr(launch, "AFTER", 0.0)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(SystemExit) as end, launch.report_failures(str(tmp_path)):
        raise fault
    assert end.value.code
    assert capsys.readouterr().err == told


class Faulty(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise DataError("x.png is truncated:\ncopy it again")


def test_a_fault_of_a_worker_is_told_without_its_traceback(tmp_path, capsys):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    with pytest.raises(SystemExit) as end, launch.report_failures(str(tmp_path)):
        next(iter(DataLoader(Faulty(), num_workers=1)))
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "x.png is truncated:", "copy it again",
        f"The last checkpoint before it: {tmp_path}/checkpoints/last.ckpt"]


@pytest.mark.parametrize(("stop", "told"), [(SystemExit(130), SystemExit), (KeyboardInterrupt(), KeyboardInterrupt),
                                           (OSError(errno.ENOSPC, "x"), TrainingStopped)])
def test_what_ended_a_training_counts_and_not_what_fails_after_it(tmp_path, stop, told):
    """Lightning takes down loaders that have not begun, which raises errors of its own."""
    failed = RuntimeError("Please call `iter(combined_loader)` first.")
    failed.__context__ = stop
    with pytest.raises(told) as caught, launch.report_failures(str(tmp_path), reraise=True):
        raise failed
    assert "combined_loader" not in str(caught.value)


def test_the_last_line_is_the_newest_grid(tiny, tmp_path, capsys):
    for name in ("epoch-002_batch-0000012.png", "epoch-010_batch-0000060.png", "epoch-001_batch-0000006.png"):
        (tmp_path / name).touch()
    launch.report(tiny.trainer(tmp_path), tmp_path)
    out = capsys.readouterr().out.splitlines()
    assert str(tmp_path / "epoch-010_batch-0000060.png") in out
    assert out[-1] == f"  python synthesize.py run={tmp_path.parent} input=MAP.png output=FOLDER snap=true"


@pytest.mark.parametrize(("epoch", "batch", "settings", "finished"), [
    (None, None, {}, True), (0, 3, {}, False), (1, 2, {}, False), (0, 5, {}, False), (1, 5, {}, True),
    (None, None, {"fast_dev_run": 2}, False)])
def test_finished_means_all_epochs_to_their_ends(tiny, tmp_path, capsys, epoch, batch, settings, finished):
    """Also not where the last epoch is cut; a stop at its last batch cuts nothing."""

    class Cut(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, data, batch_idx):
            if (trainer.current_epoch, batch_idx) == (epoch, batch):
                trainer.should_stop = True

    trainer = tiny.trainer(tmp_path, [Cut()], **{"max_epochs": 2, **settings})
    launch.fit(trainer, tiny.system(), tiny.data(), None)
    assert launch.finished(trainer, 2) == finished
    launch.report(trainer, tmp_path / "grids")
    said = f"python train.py resume={tmp_path}" in capsys.readouterr().out
    assert said == (not finished and not settings)
