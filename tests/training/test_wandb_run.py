import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import pytorch_lightning as pl
import yaml
from PIL import Image

from semsynth.errors import LoggerError
from semsynth.training import wandb_run
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.panels import Panels
from semsynth.training.wandb_run import finish_wandb, wandb_logger


@pytest.fixture
def calls(monkeypatch):
    """Arguments of wandb.init, which does not run."""
    import wandb

    made = []

    def init(**arguments):
        made.append(arguments)
        run_id = os.environ.get("WANDB_RUN_ID") or arguments["id"]
        return SimpleNamespace(id=run_id, project=arguments["project"], entity="")

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb_run, "_opened", [])
    return made


class Scored(pl.Callback):
    """Log given scores, one for each epoch, at its validation."""

    def __init__(self, scores):
        self.scores = scores

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log_dict({key: values[trainer.current_epoch] for key, values in self.scores.items()})


def test_offline_unless_asked(tmp_path, calls, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"norm": {"hidden": 3}}))
    wandb_logger(str(tmp_path), group="sweep")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    wandb_logger(str(tmp_path))
    wandb_logger(str(tmp_path), mode="online")
    assert [c["mode"] for c in calls] == ["offline", "disabled", "online"]
    assert calls[0]["config"] == {"norm": {"hidden": 3}}
    assert calls[0]["group"] == "sweep"
    assert (calls[0]["name"], calls[0]["job_type"]) == (tmp_path.name, "train")


def test_the_id_stays(tmp_path, calls):
    for mode in ("offline", "online", "online", "offline"):
        wandb_logger(str(tmp_path / "run"), mode=mode)
    assert len({c["id"] for c in calls}) == 1
    # the server knows the run for sure only once it was online
    assert [c["resume"] for c in calls] == [None, "allow", "must", None]


def test_under_an_agent_the_run_is_the_agents(tmp_path, calls, monkeypatch, capsys):
    """wandb takes WANDB_RUN_ID there, whatever id it is given, and the agent waits for metrics."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    (tmp_path / "wandb.json").write_text(json.dumps({"id": "before", "mode": "online"}))
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "agents1")
    wandb_logger(str(tmp_path))
    assert {key: calls[0][key] for key in ("id", "resume", "project", "mode")} == {
        "id": None, "resume": None, "project": None, "mode": "online"}
    assert json.loads((tmp_path / "wandb.json").read_text()) == {
        "id": "agents1", "mode": "online", "project": None, "entity": None}
    assert capsys.readouterr().out == ""
    wandb_logger(str(tmp_path), mode="offline")
    assert "logger.wandb.mode=online" in capsys.readouterr().out


@pytest.mark.slow
def test_wandb_itself_takes_the_agents_id(tmp_path):
    """In a process of its own: wandb reads the environment once."""
    program = ("from semsynth.training.wandb_run import finish_wandb, wandb_logger\n"
               f"print('id', wandb_logger({str(tmp_path)!r}, mode='offline').experiment.id)\nfinish_wandb()")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          env={**os.environ, "WANDB_SWEEP_ID": "sweep1", "WANDB_RUN_ID": "agents1"})
    assert "id agents1\n" in done.stdout, done.stderr
    assert json.loads((tmp_path / "wandb.json").read_text())["id"] == "agents1"


def test_other_ranks_have_none(tmp_path, calls, monkeypatch):
    monkeypatch.setattr("semsynth.training.wandb_run.rank_zero_only.rank", 1)
    assert wandb_logger(str(tmp_path)) is None
    assert calls == []


def test_what_cannot_start_is_refused_in_words(tmp_path, monkeypatch):
    import wandb

    def refuse(**arguments):
        raise wandb.errors.UsageError("No API key configured")

    with pytest.raises(LoggerError, match="'offlin'"):
        wandb_logger(str(tmp_path), mode="offlin")
    with pytest.raises(LoggerError, match=r"\['bset'\] must be a list of best and last"):
        wandb_logger(str(tmp_path), artifacts=["bset"])
    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(LoggerError, match=r"No API key configured.*logger\.wandb\.mode=offline needs none"):
        wandb_logger(str(tmp_path), mode="online")


def test_without_wandb_a_line_says_so(tmp_path, monkeypatch, capsys):
    """Not an error: it is the default logger, and metrics.csv is written anyway."""
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert wandb_logger(str(tmp_path)) is None
    assert capsys.readouterr().out.startswith("wandb is not installed: metrics.csv and grids/ hold")
    with pytest.raises(LoggerError, match="pip install wandb, or logger=csv"):
        wandb_logger(str(tmp_path), mode="online")
    finish_wandb()


@pytest.mark.slow
def test_what_a_training_would_upload(tiny, tmp_path, capsys):
    """The file of an offline run, read back; another run is open meanwhile, which gets nothing of it."""
    import wandb

    from semsynth.reporting.wandb_files import offline_files, read_offline

    classes, colours = ["r", "g", "b"], [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    run_dir = tmp_path / "my run"
    settings = wandb.Settings(quiet=True, console="off")
    (tmp_path / "foreign").mkdir()
    with wandb.init(dir=tmp_path / "foreign", mode="offline", settings=settings):
        logger = wandb_logger(str(run_dir), mode="offline", group="sweep", tags=["x"], artifacts=["best"])
        callbacks = [Panels(run_dir / "grids", classes, colours, samples=2), Scored({
            "score/fid/train": [9.0, 3.0, 5.0], "score/miou": [0.2, 0.4, 0.3]}),
            Checkpoints(run_dir / "checkpoints", monitor="score/fid/train")]
        tiny.trainer(run_dir, callbacks, max_epochs=3, logger=logger, log_every_n_steps=1).fit(
            tiny.system(), datamodule=tiny.data())
        finish_wandb()
    assert "is open in this process; this training gets its own" in capsys.readouterr().out
    run = read_offline(offline_files(run_dir))
    assert (run.name, run.group, run.job_type, run.tags) == ("my run", "sweep", "train", ["x"])
    assert run.id == json.loads((run_dir / "wandb.json").read_text())["id"]
    assert run.curve("score/fid/train") == ([0, 1, 2], [9, 3, 5])
    assert run.curve("score/best") == ([0, 1], [9, 3])
    assert run.curve("loss/generator/adversarial")[0] == list(range(18))  # over batches
    assert run.summary["score/fid/train"] == {"min": 3, "last": 5}
    assert run.summary["score/miou"] == pytest.approx({"max": 0.4, "last": 0.3})
    assert (run.summary["score/best"], run.summary["best/metric"]) == (3, "score/fid/train")
    assert run.summary["panels/generated"]["all_masks"][0]["labels"]
    rows = run.table("panels/samples")
    assert len(rows) == 2
    for row in rows:
        labels = tiny.pairs(12)[int(row["sample"])]["labels"].numpy()
        assert (np.asarray(Image.open(row["labels"])) == np.asarray(colours)[labels]).all()
    (best,) = [made for made in run.artifacts if made["type"] == "model"]
    assert (best["name"], sorted(best["aliases"])) == (f"model-{run.id}", ["best", "latest"])
    assert best["metadata"] == {"run": "my run", "epoch": 1, "metric": "score/fid/train", "value": 3}
    assert best["files"] == {"best.ckpt": str(run_dir / "checkpoints" / "best.ckpt")}
    assert read_offline(offline_files(tmp_path / "foreign")).history == []
