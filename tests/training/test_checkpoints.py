import pytest
import pytorch_lightning as pl
import torch

from semsynth.training.checkpoints import Checkpoints
from semsynth.training.faults import TrainingStopped


def test_last_loads_without_pickled_code(tiny, tmp_path):
    tiny.trainer(tmp_path, [Checkpoints(tmp_path)], max_epochs=1).fit(tiny.system(), datamodule=tiny.data())
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"generator", "discriminator", "encoder"}
    assert "hyper_parameters" not in saved
    assert [p.name for p in tmp_path.glob("*.*")] == ["last.ckpt"]


@pytest.mark.parametrize(("settings", "epochs"), [({"every_n_epochs": 2}, [2, 3]), ({"every_n_epochs": 0}, [3])])
def test_every_n_epochs_and_at_the_end(tiny, tmp_path, settings, epochs, monkeypatch):
    written = []
    monkeypatch.setattr("semsynth.training.checkpoints.save",
                        lambda trainer, path: written.append(trainer.current_epoch + 1))
    tiny.trainer(tmp_path, [Checkpoints(tmp_path, **settings)]).fit(tiny.system(), datamodule=tiny.data())
    assert written == epochs


def test_every_n_batches_waits_for_the_step(tiny, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("semsynth.training.checkpoints.save",
                        lambda trainer, path: written.append(trainer.fit_loop.total_batch_idx + 1))
    system = tiny.system(accumulate=2, epochs=1, decay_epochs=0)
    callback = Checkpoints(tmp_path, every_n_batches=3)
    tiny.trainer(tmp_path, [callback], max_epochs=1).fit(system, datamodule=tiny.data(length=20))  # 10 batches
    assert written == [4, 6, 10]  # due after 3, 6, 9


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
    assert checkpoints.state_dict() == {"best": 3.0}


def test_a_metric_that_is_not_logged_is_named(tiny, tmp_path):
    callback = Checkpoints(tmp_path, monitor="score", every_n_epochs=0)
    with pytest.raises(TrainingStopped, match=r"monitor=score.*loss/generator/adversarial"):
        tiny.trainer(tmp_path, [callback]).fit(tiny.system(), datamodule=tiny.data())
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 0


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match="'best'"):
        Checkpoints("x", mode="best")
