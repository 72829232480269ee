import json
from types import SimpleNamespace

import pytest

from semsynth.errors import EvaluationError, LoggerError
from semsynth.evaluation.wandb_summary import add_to_summary

DOCUMENT = {"scores": {"fid/train": 61.5, "miou": 0.4}, "protocol": {"name": "spade"}}


@pytest.fixture
def server(monkeypatch):
    """Runs of W&B by their paths; the public API asks here."""
    import wandb

    runs = {}

    class Api:
        default_entity = "me"

        def run(self, path):
            if path not in runs:
                raise wandb.errors.CommError(f"Could not find run {path}")
            return SimpleNamespace(summary=runs[path], url=f"https://wandb.example/{path}")

    monkeypatch.setattr(wandb, "Api", Api)
    return runs


def test_scores_stand_beside_those_of_the_training(tmp_path, server):
    known = {"id": "abc", "mode": "online", "project": "semsynth", "entity": None}
    (tmp_path / "wandb.json").write_text(json.dumps(known))
    with pytest.raises(EvaluationError, match=r"Could not find run me/semsynth/abc.*wandb sync .*/wandb/\*"):
        add_to_summary(tmp_path, DOCUMENT)
    server["me/semsynth/abc"] = {"score/fid/train": {"min": 70.0, "last": 71.0}}
    assert add_to_summary(tmp_path, DOCUMENT) == "https://wandb.example/me/semsynth/abc"
    assert server["me/semsynth/abc"] == {
        "score/fid/train": {"min": 70.0, "last": 71.0}, "evaluation/fid/train": 61.5, "evaluation/miou": 0.4,
        "evaluation/protocol": "spade"}


def test_a_run_without_wandb_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match=r"not trained with logger=wandb"):
        add_to_summary(tmp_path, DOCUMENT)


@pytest.mark.parametrize("content", ["", "[]", '{"id": 3, "mode": "online"}',
                                     '{"id": "a", "mode": "online", "project": 3}'])
def test_a_damaged_note_is_named(content, tmp_path):
    (tmp_path / "wandb.json").write_text(content)
    with pytest.raises(LoggerError, match=r"wandb\.json is damaged"):
        add_to_summary(tmp_path, DOCUMENT)
