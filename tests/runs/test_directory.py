import shutil

import pytest
import torch
import yaml

from semsynth import runs
from semsynth.errors import ConfigError
from semsynth.runs.directory import Run
from semsynth.weights import run_file
from semsynth.weights.run_file import save_weights


@pytest.fixture
def run(tiny_run, tmp_path):
    shutil.copytree(tiny_run(z_dim=3), tmp_path / "run")
    return tmp_path / "run"


def test_checkpoints_without_a_configuration_are_told_with_the_way_out(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    with pytest.raises(ConfigError, match=r"no config\.yaml beside its checkpoints: put that of a copy"):
        _ = runs.Run(tmp_path).config


def test_where_counts_are_kept_is_not_the_run_s_to_say(run):
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["dataset"]["train"] = {"_target_": "semsynth.data.ade20k_outdoor.ADE20KOutdoor", "cache": "/etc"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert runs.Run(run).config.dataset.train.cache is None


def test_the_weights_are_read_once(run, monkeypatch):
    read = []
    monkeypatch.setattr(run_file, "read_weights", lambda path, read=read, of=run_file.read_weights: (
        read.append(path) or of(path)))
    kept = runs.Run(run)
    assert kept.generator is kept.generator
    assert not kept.generator.training
    assert kept.encoder.z_dim == 3
    assert (kept.segmenter, kept.weights) == (None, "raw")
    assert read == [run / "checkpoints" / "last.safetensors"]


def test_which_weights_the_networks_have(run):
    average = {name: torch.full_like(value, 2.0) if value.is_floating_point() else value
               for name, value in runs.Run(run).generator.state_dict().items()}
    save_weights(run / "checkpoints" / "best.safetensors", {"generator": average}, weights="ema", epoch=7)
    best, last = runs.Run(run), runs.Run(run, "last")
    assert (best.weights, last.weights) == ("ema", "raw")
    assert best.generator.conv_img.weight.eq(2).all()
    assert not last.generator.conv_img.weight.eq(2).any()
    assert best.encoder is None
    with pytest.raises(ConfigError, match=r"best\.safetensors holds a moving average only: take weights=ema"):
        _ = runs.Run(run, weights="raw").generator
    with pytest.raises(ConfigError, match=r"last\.safetensors holds no moving average"):
        _ = runs.Run(run, "last", "ema").weights


def test_no_such_run_is_told_before_no_such_checkpoint(run, tmp_path):
    for what in ("checkpoint", "saved", "generator"):
        with pytest.raises(ConfigError, match="nowhere is no run directory"):
            getattr(runs.Run(tmp_path / "nowhere"), what)
    with pytest.raises(ConfigError, match=r"checkpoint=best: no such checkpoint in .* \(there are: last\)"):
        _ = runs.Run(run, "best").generator


def test_a_run_without_a_generator(run):
    save_weights(run / "checkpoints" / "last.safetensors", {"encoder": runs.Run(run).encoder.state_dict()})
    with pytest.raises(ConfigError, match=r"last\.safetensors holds no generator"):
        _ = runs.Run(run).generator


def test_finished_as_many_epochs_as_it_has_trained(run):
    assert runs.Run(run).finished == 0
    runs.Run(run).finish(12)
    assert runs.Run(run).finished == 12
    assert (run / "finished").read_text() == "12\n"
    (run / "finished").write_text("9" * 5000)
    assert runs.Run(run).finished == 0


def test_a_configuration_that_was_cut_off_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"config.yaml is no configuration \(it holds no table\): it was cut off"):
        runs.Run(tmp_path).whole()
    (tmp_path / "config.yaml").write_text("dataset: {name: a}\ngenerator: 3\n")
    with pytest.raises(ConfigError, match=r"no whole .* lacks size, icpe.enabled, dataset.classes, "):
        runs.Run(tmp_path).whole("dataset")
    for call in (lambda: runs.resumed(str(tmp_path), []), lambda: runs.Run(tmp_path).whole("generator")):
        with pytest.raises(ConfigError, match="lacks .*generator"):
            call()


@pytest.mark.parametrize(("key", "value"), [
    ("epochs", "two"), ("run_dir", None), ("callbacks", None), ("system", None), ("size", "big"),
    ("generator", {"ngf": 2}), ("trainer", []), ("batch", {"total": 2})])
def test_a_damaged_configuration_is_named_before_a_training_goes_on(tiny_run, tmp_path, key, value):
    run = tmp_path / "run"
    shutil.copytree(tiny_run(), run)
    cfg = yaml.safe_load((run / "config.yaml").read_text())
    node = {"_target_": "semsynth.data.datamodule.DataModule"}
    cfg |= {"epochs": 2, "decay_epochs": 0, "batch": {"total": 2, "device": 2, "accumulation": 1}, "callbacks": {},
            "logger": {}, "system": node, "data": node, "trainer": node, "matmul": "auto", "threads": "auto"}
    (run / "config.yaml").write_text(yaml.safe_dump(cfg))
    assert Run(run).trained.epochs == 2
    (run / "config.yaml").write_text(yaml.safe_dump(cfg | {key: value}))
    with pytest.raises(ConfigError, match=rf"config.yaml(:| is damaged| is no whole).* {key}"):
        _ = Run(run).trained
