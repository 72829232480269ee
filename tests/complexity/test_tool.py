"""The configuration of tools/complexity.py, and what it says of faults."""

import json

import pytest
from commands import ROOT
from commands import composed as command
from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from semsynth import config, runs
from semsynth.cli.meanings import chosen
from semsynth.commands.complexity import measure
from semsynth.complexity.report import keep
from semsynth.complexity.setting import Options
from semsynth.errors import ConfigError

CONF = ROOT / "conf"


def composed(*overrides, **kwargs):
    return command("complexity", *overrides, "run_dir=x", **kwargs)


def test_it_has_the_choices_of_a_training():
    assert set(chosen(CONF / "complexity.yaml")) == set(chosen(CONF / "train.yaml"))


def test_the_yaml_says_the_defaults_of_the_options():
    cfg = composed()
    assert Options(**{name: tuple(v) if name == "memory_batches" else v for name in Options.names()
                      for v in [cfg[name]]}) == Options()


def test_data_sets_that_are_not_there_are_counted(monkeypatch, tmp_path):
    monkeypatch.setenv("SEMSYNTH_DATA", str(tmp_path / "nowhere"))
    cfg = runs.measured(composed("dataset=cityscapes", "norm=clade_icpe", "generator.ngf=4", "discriminator.ndf=4",
                                 f"run_dir={tmp_path}"), Options.names())
    record = measure(cfg, Options(memory=False, runtime=False), Console(quiet=True))
    assert record["setting"]["dataset"] == "cityscapes"
    assert record["setting"]["norm"] == "clade_icpe"
    assert record["skipped"] == {"runtime": "runtime=false", "memory": "memory=false"}
    assert keep(record, tmp_path, Console(quiet=True)) == tmp_path / "complexity.json"
    assert json.loads((tmp_path / "complexity.json").read_text())["parameters"] == record["parameters"]
    assert (tmp_path / "layers.png").is_file()


@pytest.mark.parametrize("asked", [{"fits": "80GB"}, {"memory": True}])
def test_a_training_is_built_without_the_weights_of_its_losses(monkeypatch, tmp_path, asked):
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path / "nowhere"))
    for name in ("fits", "peaks"):
        monkeypatch.setattr(f"semsynth.complexity.measure.{name}", lambda parts, *_: len(parts.system().losses))
    words = ["dataset=ade20k", "size=64", "norm=clade", "generator.ngf=4", "discriminator.ndf=4", f"run_dir={tmp_path}"]
    cfg = runs.measured(composed(*words), Options.names())
    record = measure(cfg, Options(**{"memory": False, "runtime": False} | asked), Console(quiet=True))
    assert record[next(iter(asked))] == 2


@pytest.mark.parametrize(("overrides", "message"), [
    (["size=100"], r"generator: size \[100,100\] is no multiple of 32.*size=\[96,96\]"),
    (["batch=0"], r"batch=0 must be a whole number"),
    (["norm=mixed", "norm.transition=9"], r"norm\.transition must be 0\.\.7"),
    (["generator._target_=semsynth.generators.spade.Spade"], r"has no Spade"),
    (["+bacth=2"], r"unknown key bacth; did you mean batch"),
    (["run=nowhere"], r"nowhere is no run directory"),
])
def test_faults_are_named(overrides, message, monkeypatch):
    class Job:
        class overrides:
            task = [o for o in overrides if o.startswith("run=")]

    monkeypatch.setattr(HydraConfig, "get", lambda: Job)
    with pytest.raises(ConfigError, match=message):
        runs.measured(composed(*overrides), Options.names())


def test_a_run_is_measured_as_it_is(monkeypatch, tmp_path):
    class Job:
        class overrides:
            task = [f"run={tmp_path}", "norm=spade", "memory=false"]

    monkeypatch.setattr(HydraConfig, "get", lambda: Job)
    with pytest.raises(ConfigError, match=r"leave out norm=spade"):
        runs.measured(composed(f"run={tmp_path}"), Options.names())
    Job.overrides.task = [f"run={tmp_path}", "memory=false"]
    nodes = "".join(f"{key}: {{}}\n" for key in ("recipe", "norm", "generator", "system"))
    nodes += ("icpe: {enabled: false}\n"
              "dataset: {classes: [sky], colours: [[1, 2, 3]], unknown: null, edges: false}\n")
    (tmp_path / "config.yaml").write_text(f"run_dir: elsewhere\nsize: [64, 64]\n{nodes}")
    cfg = composed(f"run={tmp_path}", "memory=false")
    given = config.plain_values(cfg, Options.names())
    assert runs.measured(cfg, Options.names()).run_dir == str(tmp_path)
    assert given["memory"] is False
    assert given["memory_batches"] == [1, 2]
