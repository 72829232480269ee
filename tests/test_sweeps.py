"""Sweeps that are started again, and those of experiments/ that are no studies (tests/papers/)."""

import pytest
import torch
import yaml
from commands import ROOT
from commands import composed as command
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from semsynth import config, runs

from .test_train import SMALL, train

SWEEPS = {"norms": 3}


def composed(*overrides):
    return command("train", *overrides, f"hydra.searchpath=[file://{ROOT}]", return_hydra_config=True)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_job_of_a_sweep_is_a_setting_of_its_own(name):
    cfg = composed(f"experiments={name}")
    assert cfg.hydra.mode.name == "MULTIRUN"
    assert cfg.hydra.sweep.dir == f"multirun/{name}"
    assert cfg.resume == "auto"
    params = OverridesParser.create().parse_overrides([f"{k}={v}" for k, v in cfg.hydra.sweeper.params.items()])
    jobs = [job for batch in BasicSweeper.split_arguments(params, max_batch_size=None) for job in batch]
    assert len(jobs) == SWEEPS[name]
    settings = set()
    for job in jobs:
        of_job = composed(f"experiments={name}", *job)
        parts = ("norm", "generator", "loss", "system", "dataset")
        plain = {key: OmegaConf.to_container(of_job[key], resolve=True) for key in parts}
        settings.add(f"{of_job.seed} {plain}")
    assert len(settings) == len(jobs)


@pytest.mark.parametrize(
    ("ablation", "norm", "fc_offsets", "ngf", "offsets"),
    [("disti", "CLADE", True, 16, True), ("distf", "CLADE_DISTF", False, 16, True),
     ("spade_light", "SPADE", False, 8, False)],
)
def test_ablations(ablation, norm, fc_offsets, ngf, offsets):
    cfg = config.finalize(composed(f"ablation={ablation}", "run_dir=x"))
    assert cfg.norm["_target_"].endswith(f".{norm}")
    assert (cfg.generator.fc_offsets, cfg.generator.ngf, cfg.icpe.enabled) == (fc_offsets, ngf, offsets)


def test_finished_is_as_many_epochs_as_are_asked_for(tmp_path, capsys):
    cfg = OmegaConf.create({"run_dir": str(tmp_path), "resume": "auto", "epochs": 5})
    assert not runs.finished_before(cfg)
    runs.Run(tmp_path).finish(5)
    assert runs.finished_before(cfg)
    assert capsys.readouterr().out == f"finished already: {tmp_path}\n"
    cfg.epochs = 6
    assert not runs.finished_before(cfg)
    cfg.epochs, cfg.resume = 5, None
    assert not runs.finished_before(cfg)


@pytest.mark.slow
def test_a_sweep_started_again_skips_what_is_finished_and_continues_the_rest(tmp_path):
    """An experiment is a sweep by name; the first time two of its three jobs. Each has its directory, all one group."""
    small = [word for word in SMALL if word != "logger=csv"]
    sweep = ["experiments=norms", *small, "logger.wandb.mode=offline", "trainer=smoke",
             f"hydra.sweep.dir={tmp_path}/of_norms"]
    tmp_path /= "of_norms"
    train(*sweep, "norm=clade,clade_icpe")
    jobs = sorted(path.parent.parent for path in tmp_path.glob("*/checkpoints/last.ckpt"))
    assert [("norm-clade+" in job.name, "norm-clade_icpe+" in job.name) for job in jobs] == [(1, 0), (0, 1)]
    assert OverridesParser.create().parse_override(f"run={jobs[0].name}").value() == jobs[0].name
    configs = [yaml.safe_load((job / "config.yaml").read_text()) for job in jobs]
    assert {c["logger"]["wandb"]["group"] for c in configs} == {"of_norms"}
    assert [c["norm"]["_target_"].rsplit(".", 1)[1] for c in configs] == ["CLADE", "CLADE_ICPE"]
    assert all((job / "wandb.json").is_file() and list((job / "grids").glob("*.png")) for job in jobs)
    (jobs[0] / "finished").unlink()  # as if it had been stopped after its last checkpoint
    kept = [(job / "checkpoints" / "last.ckpt").stat().st_mtime_ns for job in jobs]
    out = train(*sweep)
    assert "Launching 3 jobs" in out
    assert f"finished already: {jobs[1]}\n" in out
    assert f"run directory: {jobs[0]}\n" in out
    assert (jobs[0] / "finished").read_text() == "1\n"
    assert [(job / "checkpoints" / "last.ckpt").stat().st_mtime_ns for job in jobs] == kept
    assert len(list(tmp_path.glob("*/finished"))) == 3
    assert torch.load(jobs[0] / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 4
