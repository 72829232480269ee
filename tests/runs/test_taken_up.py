"""A checkpoint whose weights are fine and whose training is not: said before the first batch, with the other one."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from campaigns.readers import trained

from semsynth import runs
from semsynth.errors import CheckpointError, ConfigError
from semsynth.runs.training import taken_up
from semsynth.training.panels import Panels


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("kept"))


def first_state(saved):
    return next(iter(saved["optimizer_states"][0]["state"].values()))


def reshaped(saved):
    first_state(saved)["exp_avg"] = torch.zeros(3)


def not_finite(saved):
    first_state(saved)["exp_avg_sq"].view(-1)[0] = float("nan")


def without_optimizers(saved):
    del saved["optimizer_states"]


def another_loop(saved):
    saved["loops"]["fit_loop"] = {}


CHANGES = {reshaped: r"exp_avg of \S+ is \(3,\), not", not_finite: r"exp_avg_sq of \S+ holds NaN",
           without_optimizers: "optimizer", another_loop: "KeyError|steps were taken, and counts 0"}


def resumed(kept, tmp_path, change=None):
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    last = run / "checkpoints" / "last.ckpt"
    if change is not None:
        saved = torch.load(last, weights_only=True)
        change(saved)
        torch.save(saved, last)
    runs.train(runs.resumed(str(run), ["epochs=2"]), last)
    return torch.load(last, weights_only=True)


def test_a_whole_one_goes_on(kept, tmp_path):
    assert resumed(kept, tmp_path)["global_step"] > torch.load(kept / "checkpoints" / "last.ckpt",
                                                               weights_only=True)["global_step"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_cannot_go_on_is_named(change, kept, tmp_path):
    with pytest.raises(CheckpointError, match=CHANGES[change]) as caught:
        resumed(kept, tmp_path, change)
    said = str(caught.value)
    assert "last.ckpt holds weights, but no training that could go on" in said
    assert "best.ckpt beside it can serve" in said


def broken(*_):
    raise ArithmeticError("of a callback")


def test_what_fails_in_a_validation_is_no_fault_of_the_checkpoint(kept, tmp_path, monkeypatch):
    """Also where the training goes on with it, so that no batch comes before."""
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    last = run / "checkpoints" / "last.ckpt"
    monkeypatch.setattr(Panels, "on_validation_end", broken)
    for _ in range(2):
        with pytest.raises(ArithmeticError, match="of a callback"):
            runs.train(runs.resumed(str(run), ["epochs=2"]), last)


@pytest.mark.parametrize("stop", [SystemExit(130), OSError(errno.ENOSPC, "the disk is full")], ids=repr)
def test_a_stop_before_the_first_batch_is_not_the_checkpoints_fault(stop):
    """As in a validation with which a run goes on: Lightning then takes down loaders that have not begun, and fails."""
    trainer = SimpleNamespace(callbacks=[])
    failed = RuntimeError("Please call `iter(combined_loader)` first.")
    failed.__context__ = stop
    with pytest.raises(RuntimeError, match="combined_loader"), taken_up(trainer, Path("last.ckpt")):
        raise failed


def test_a_stranger_s_run_touches_no_table_elsewhere(kept, tmp_path):
    """It would be put aside as one that is damaged, and another one written."""
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["logger"]["other"] = {"_target_": "semsynth.training.csv_metrics.CsvMetrics", "path": "/etc/passwd"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError, match=r"logger\.other\.path=/etc/passwd: the run would write outside"):
        runs.resumed(str(run), [])


def test_a_run_writes_into_its_own_directory(kept, tmp_path):
    """Wherever a stranger's configuration says; unless it is typed."""
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    text = (run / "config.yaml").read_text()
    grids = str(kept / "grids")
    assert grids in text
    (run / "config.yaml").write_text(text.replace(grids, str(tmp_path / "elsewhere")))
    with pytest.raises(ConfigError,
                       match=r"callbacks\.panels\.folder=.*elsewhere: the run would write outside"):
        runs.resumed(str(run), [])
    cfg = runs.resumed(str(run), [f"callbacks.panels.folder={tmp_path / 'elsewhere'}"])
    assert cfg.callbacks.panels.folder == str(tmp_path / "elsewhere")
