import json
import os
import subprocess
import sys

import pytest
import yaml

from semsynth.training.wandb_run import finish_wandb, wandb_logger


@pytest.fixture
def calls(monkeypatch):
    """Arguments of wandb.init, which does not run."""
    import wandb

    made = []

    def init(**arguments):
        made.append(arguments)
        run = wandb.sdk.lib.disabled.SummaryDisabled()
        object.__setattr__(run, "id", os.environ.get("WANDB_RUN_ID") or arguments["id"])
        return run

    monkeypatch.setattr(wandb, "init", init)
    return made


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
    assert calls[0]["name"] == tmp_path.name


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
    assert json.loads((tmp_path / "wandb.json").read_text()) == {"id": "agents1", "mode": "online"}
    assert capsys.readouterr().out == ""
    wandb_logger(str(tmp_path), mode="offline")
    assert "logger.mode=online" in capsys.readouterr().out


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


def test_another_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'offlin'"):
        wandb_logger(str(tmp_path), mode="offlin")


@pytest.mark.slow
def test_a_real_offline_run_takes_metrics_and_panels(tiny, tmp_path):
    from semsynth.training.panels import Panels

    logger = wandb_logger(str(tmp_path), mode="offline")
    panels = Panels(tmp_path / "grids", ["r", "g", "b"], [[255, 0, 0], [0, 255, 0], [0, 0, 255]], samples=2)
    tiny.trainer(tmp_path, [panels], max_epochs=1, logger=logger, log_every_n_steps=1).fit(
        tiny.system(), datamodule=tiny.data())
    finish_wandb()
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert list((tmp_path / "wandb").glob("offline-run-*/files/media/images/mask/panels/generated*"))
    assert json.loads((tmp_path / "wandb.json").read_text())["mode"] == "offline"
