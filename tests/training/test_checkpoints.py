import math

import pytest
import pytorch_lightning as pl
import torch

from semsynth.errors import TrainingStopped
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.scores import Scores as TakenScores


def test_last_loads_without_pickled_code(tiny, tmp_path):
    tiny.trainer(tmp_path, [Checkpoints(tmp_path)], max_epochs=1).fit(tiny.system(), datamodule=tiny.data())
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"generator", "discriminator", "encoder"}
    assert "hyper_parameters" not in saved
    assert [p.name for p in tmp_path.glob("*.*")] == ["last.ckpt"]


@pytest.fixture
def written(monkeypatch):
    """For each file that would be written: its name, epoch and batch, and whether the validation was still to come."""
    files = []
    monkeypatch.setattr("semsynth.training.checkpoints.save", lambda trainer, path: files.append(
        (path.stem, trainer.current_epoch + 1, trainer.fit_loop.total_batch_idx + 1, trainer.validating)))
    return files


@pytest.mark.parametrize(("settings", "epochs"), [({"every_n_epochs": 2}, [2, 3]), ({"every_n_epochs": 0}, [3])])
def test_every_n_epochs_and_at_the_end_before_and_after_the_validation(tiny, tmp_path, settings, epochs, written):
    tiny.trainer(tmp_path, [Checkpoints(tmp_path, **settings)]).fit(tiny.system(), datamodule=tiny.data())
    assert written == [("last", epoch, 6 * epoch, before) for epoch in epochs for before in (True, False)]


def test_every_n_batches_waits_for_the_step(tiny, tmp_path, written):
    system = tiny.system(accumulate=2, epochs=1, decay_epochs=0)
    callback = Checkpoints(tmp_path, every_n_batches=3)
    tiny.trainer(tmp_path, [callback], max_epochs=1, limit_val_batches=0).fit(
        system, datamodule=tiny.data(length=20))  # 10 batches
    assert [batch for _, _, batch, _ in written] == [4, 6, 10]  # due after 3, 6, 9


def test_before_scores_are_taken_last_is_written(tiny, tmp_path, written):
    scores = TakenScores(lambda generator, encoder, between: {}, every_n_epochs=2)
    scores.setup = lambda *_, **__: None
    callbacks = [scores, Checkpoints(tmp_path, every_n_epochs=0)]
    tiny.trainer(tmp_path, callbacks).fit(tiny.system(), datamodule=tiny.data())
    assert [(epoch, before) for _, epoch, _, before in written] == [(2, True), (3, True), (3, False)]


def test_a_trial_of_a_few_batches_leaves_no_files(tiny, tmp_path):
    trainer = tiny.trainer(tmp_path, [Checkpoints(tmp_path, every_n_batches=1)], fast_dev_run=2)
    trainer.fit(tiny.system(), datamodule=tiny.data())
    assert list(tmp_path.iterdir()) == []


class Scores(pl.Callback):
    def __init__(self, scores):
        self.scores = iter(scores)

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("score", next(self.scores))


def test_best_follows_the_metric(tiny, tmp_path):
    checkpoints = Checkpoints(tmp_path, monitor="score", mode="max")
    tiny.trainer(tmp_path, [Scores([1.0, 3.0, 2.0]), checkpoints]).fit(tiny.system(), datamodule=tiny.data())
    assert torch.load(tmp_path / "best.ckpt", weights_only=True)["epoch"] == 1
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 2
    assert checkpoints.state_dict() == {"best": 3.0, "best_by": "score", "best_epoch": 1}


def test_of_several_metrics_the_first_that_is_logged_decides(tiny, tmp_path):
    checkpoints = Checkpoints(tmp_path, monitor=["fid", "score", "loss/generator/kl"], mode="max")
    tiny.trainer(tmp_path, [Scores([1.0, 3.0, 2.0]), checkpoints]).fit(tiny.system(), datamodule=tiny.data())
    assert checkpoints.state_dict() == {"best": 3.0, "best_by": "score", "best_epoch": 1}
    assert checkpoints._improved("fid", 0.5)  # of another metric, as on a machine with other weights: compared anew
    with pytest.raises(TrainingStopped, match="monitor=fid or kid is not logged"):
        tiny.trainer(tmp_path, [Checkpoints(tmp_path, monitor=["fid", "kid"])]).fit(
            tiny.system(), datamodule=tiny.data())


class Listens(CsvMetrics):
    """A logger that keeps what it is told of checkpoints."""

    def __init__(self, path):
        super().__init__(path / "metrics.csv")
        self.told = []

    def log_best(self, metric, value, epoch):
        self.told.append((metric, value, epoch))

    def log_checkpoint(self, path, facts):
        self.told.append((path.name, facts))


def test_loggers_hear_of_the_best_and_get_the_files(tiny, tmp_path):
    """A resumed run tells first what it brings: its W&B run offline is a new one."""
    for epochs, scores, checkpoint in ((2, [1.0, 3.0], None), (3, [2.0], tmp_path / "last.ckpt")):
        logger = Listens(tmp_path)
        callbacks = [Scores(scores), Checkpoints(tmp_path, monitor="score", mode="max")]
        tiny.trainer(tmp_path, callbacks, max_epochs=epochs, logger=logger).fit(
            tiny.system(), datamodule=tiny.data(), ckpt_path=checkpoint)
        told = [("score", 1.0, 0)] if checkpoint is None else []
        best = {"metric": "score", "value": 3.0, "epoch": 1}
        assert logger.told == [*told, ("score", 3.0, 1), ("best.ckpt", best), ("last.ckpt", {"epoch": epochs - 1})]


def test_nan_is_never_the_best(tiny, tmp_path):
    checkpoints = Checkpoints(tmp_path, monitor="score")
    tiny.trainer(tmp_path, [Scores([math.nan, 2.0, math.nan]), checkpoints]).fit(tiny.system(), datamodule=tiny.data())
    assert torch.load(tmp_path / "best.ckpt", weights_only=True)["epoch"] == 1
    assert checkpoints.best == 2.0


@pytest.mark.parametrize(("first", "files"), [(("score", 2.0, False), ["best", "last"]),
                                              (("score", 4.0, False), ["last"]), ((None, None, False), ["last"])])
def test_the_first_process_decides_what_is_best(tiny, tmp_path, written, first, files):
    """Where processes log other values, all must write or none: here this one has improved, whatever the first says."""
    checkpoints = Checkpoints(tmp_path, monitor="score")
    checkpoints.best, checkpoints.best_by = 3.0, "score"
    trainer = tiny.trainer(tmp_path, [Scores([1.0]), checkpoints], max_epochs=1)
    broadcast, asked = trainer.strategy.broadcast, []

    def of_first(value, src=0):
        if not isinstance(value, tuple):
            return broadcast(value, src)
        asked.append(value)
        return first

    trainer.strategy.broadcast = of_first
    trainer.fit(tiny.system(epochs=1, decay_epochs=0), datamodule=tiny.data())
    assert asked == [("score", 1.0, False)]
    assert [name for name, _, _, before in written if not before] == files


def test_a_metric_that_is_not_logged_is_named(tiny, tmp_path):
    callback = Checkpoints(tmp_path, monitor="score", every_n_epochs=0)
    with pytest.raises(TrainingStopped, match=r"monitor=score.*loss/generator/adversarial"):
        tiny.trainer(tmp_path, [callback]).fit(tiny.system(), datamodule=tiny.data())
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 0


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match="'best'"):
        Checkpoints("x", mode="best")
