from types import SimpleNamespace

import pytest
import torch

from semsynth.errors import TrainingStopped
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.scores import Scores


class Assess:
    """Scores that come from a list, and what the callback handed over."""

    def __init__(self, values, skipped=None):
        self.values, self.skipped, self.prepared, self.modes = list(values), skipped or {}, None, []

    def prepare(self, data, size, device, progress):
        self.prepared = (data, size, device)
        return self.skipped

    def __call__(self, generator, encoder, between):
        self.modes.append((generator.training, torch.is_grad_enabled()))
        return {"miou": self.values.pop(0)}


def fit(tiny, folder, scores, epochs, checkpoints=None):
    system = tiny.system(epochs=epochs, decay_epochs=0)
    callbacks = [scores, *([checkpoints] if checkpoints else [])]
    trainer = tiny.trainer(folder, callbacks, max_epochs=epochs)
    trainer.fit(system, datamodule=tiny.data(length=4))
    return trainer


def test_scores_every_n_epochs_and_in_the_last(tiny, tmp_path):
    assess = Assess([0.1, 0.2])
    scores = Scores(assess, every_n_epochs=2, data="data", size=(8, 8))
    trainer = fit(tiny, tmp_path, scores, epochs=3)
    assert assess.prepared == ("data", (8, 8), torch.device("cpu"))
    assert assess.modes == [(False, False)] * 2
    assert scores.latest == {"miou": 0.2}
    assert scores.latest_epoch == 3
    assert trainer.callback_metrics["score/miou"] == pytest.approx(0.2)
    assert "20.0 %" in "\n".join(scores.lines())


def test_best_is_the_best_by_the_chosen_score(tiny, tmp_path):
    """Epochs without scores neither stop the run nor count as the best."""
    scores = Scores(Assess([0.3, 0.7, 0.5]), every_n_epochs=2, size=(8, 8))
    checkpoints = Checkpoints(str(tmp_path), monitor="score/miou", mode="max")
    fit(tiny, tmp_path, scores, 6, checkpoints)
    assert torch.load(tmp_path / "best.ckpt", weights_only=True)["epoch"] == 3  # from 0: the second of the scores
    assert checkpoints.best == pytest.approx(0.7)


def test_a_score_that_cannot_be_had_is_said_and_stops_nothing(tiny, tmp_path, capsys):
    scores = Scores(Assess([0.3], {"fid/train": "no weights"}), every_n_epochs=1, size=(8, 8))
    fit(tiny, tmp_path, scores, 1, Checkpoints(str(tmp_path), monitor="score/fid/train"))
    assert "no fid/train: no weights" in capsys.readouterr().out
    assert not (tmp_path / "best.ckpt").exists()
    assert (tmp_path / "last.ckpt").exists()


def test_validations_that_leave_out_the_end_of_the_epoch_are_refused(tiny, tmp_path):
    trainer = tiny.trainer(tmp_path, [Scores(Assess([]), every_n_epochs=1, size=(8, 8))], val_check_interval=4)
    with pytest.raises(TrainingStopped, match="after every 4 of an epoch's 6 batches"):
        trainer.fit(tiny.system(), datamodule=tiny.data())


def test_a_monitored_score_that_does_not_exist_is_named(tiny, tmp_path):
    scores = Scores(Assess([0.3]), every_n_epochs=1, size=(8, 8))
    with pytest.raises(TrainingStopped, match=r"score/mious is not logged; there are .*score/miou"):
        fit(tiny, tmp_path, scores, 1, Checkpoints(str(tmp_path), monitor="score/mious"))


def test_what_prevents_scores_is_said_before_training(tiny, tmp_path):
    assess = Assess([])
    assess.prepare = lambda *a: (_ for _ in ()).throw(ValueError("other classes"))
    system = tiny.system(epochs=1, decay_epochs=0)
    before = {k: v.clone() for k, v in system.state_dict().items()}
    with pytest.raises(TrainingStopped, match=r"other classes\nTo train without scores: scores=none"):
        tiny.trainer(tmp_path, [Scores(assess, 1)], max_epochs=1).fit(system, datamodule=tiny.data(length=4))
    assert all(torch.equal(v, before[k]) for k, v in system.state_dict().items())


def test_nothing_is_scored_where_nothing_is_asked_for(tiny, tmp_path):
    assess = Assess([])
    for scores in (Scores(assess, 0), Scores(None, 1)):
        fit(tiny, tmp_path, scores, 1, Checkpoints(str(tmp_path), monitor="score/miou"))
    assert assess.prepared is None
    assert scores.lines() == []


def test_latest_scores_survive_a_resumed_run():
    scores = Scores(SimpleNamespace(), 1)
    scores.load_state_dict({"latest": {"miou": 0.4}, "latest_epoch": 7})
    assert scores.state_dict() == {"latest": {"miou": 0.4}, "latest_epoch": 7}


def test_the_frequency_is_checked():
    with pytest.raises(ValueError, match="every_n_epochs"):
        Scores(None, -1)
