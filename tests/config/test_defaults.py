"""What follows from other settings is filled in."""

import pytest
from commands import training
from omegaconf import OmegaConf

from semsynth import config


@pytest.mark.parametrize(("overrides", "there", "expected"), [
    ([], False, "highest"), ([], True, "high"), (["trainer.accelerator=cpu"], True, "highest"),
    (["matmul=medium"], False, "medium")])
def test_matmul_is_stated(overrides, there, expected, request):
    if there:
        request.getfixturevalue("gpu")
    assert config.finalize(training("run_dir=x", *overrides)).matmul == expected


@pytest.mark.parametrize(
    ("size", "recipe", "expected"),
    [(64, [64, 64], [64, 64]), (64, [256, 512], [64, 128]), (192, [192, 256], [192, 256]), (64, [192, 256], [64, 96])],
)
def test_one_side_keeps_the_aspect(size, recipe, expected):
    assert config.shorter_side(size, recipe) == expected


@pytest.mark.parametrize(("epochs", "decay"), [(5, 2), (10, 4), (1, 0), (200, 80)])
def test_the_decay_keeps_its_share(epochs, decay):
    cfg = config.finalize(training(f"epochs={epochs}", "run_dir=x"))
    assert cfg.decay_epochs == decay


@pytest.mark.parametrize(
    ("overrides", "enabled"),
    [(["norm=clade"], False), (["norm=clade_icpe"], True), (["norm=clade_distf"], True),
     (["generator.fc_offsets=true"], True), (["norm=mixed"], False),
     (["norm=mixed", "norm.high._target_=semsynth.norms.clade.CLADE_ICPE"], True)],
)
def test_offsets_are_made_where_something_reads_them(overrides, enabled):
    assert config.finalize(training(*overrides, "run_dir=x")).icpe.enabled is enabled


def test_a_resolved_configuration_stands_alone(tmp_path):
    cfg = config.prepare(training(f"run_dir={tmp_path}", "logger=csv"))
    assert "${" not in OmegaConf.to_yaml(cfg)
