
import shutil

import pytest
import torch
import yaml
from commands import composed as command
from omegaconf import OmegaConf

from semsynth import config, runs
from semsynth.config.processes import DDP
from semsynth.errors import ConfigError
from semsynth.runs import resuming
from semsynth.runs.moving import move
from semsynth.style import Style
from semsynth.training import launch
from semsynth.weights.run_file import save_weights

SMALL = ["size=64", "generator.ngf=4", "discriminator.ndf=4", "encoder.nef=4", "batch=2", "data.num_workers=0",
         "dataset.train_length=6", "dataset.val_length=2", "trainer=smoke", "logger=csv", "trainer.accelerator=cpu",
         "recipe.z_dim=4"]


def composed(*overrides):
    return command("train", *SMALL, *overrides)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two batches: its directory and the system that it trained."""
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    cfg = config.prepare(composed(f"run_dir={run_dir}"))
    runs.save_config(cfg)
    trainer, system, data = runs.build(cfg)
    launch.fit(trainer, system, data, None)
    return run_dir, system, trainer


def test_what_a_run_leaves(run):
    run_dir = run[0]
    assert {p.name for p in run_dir.iterdir()} == {"config.yaml", "checkpoints", "metrics.csv", "progress.json",
                                                      "grids"}
    assert [p.name for p in (run_dir / "grids").iterdir()] == ["epoch-001_batch-0000002.png"]
    assert "$" not in (run_dir / "config.yaml").read_text()


@pytest.mark.parametrize("weights", ["raw", "ema"])
def test_a_run_rebuilds_its_networks_bit_equal(run, weights):
    run_dir, system, trainer = run
    kept = runs.Run(run_dir, "last", weights)
    generator, encoder = kept.generator, kept.encoder
    assert kept.weights == weights
    if weights == "ema":
        averages = next(c for c in trainer.callbacks if type(c).__name__ == "EMA").state_dict()
        system.generator.load_state_dict(averages["generator"])
    assert not generator.training
    assert not encoder.training
    with torch.no_grad():
        batch = next(iter(trainer.datamodule.val_dataloader()))
        semantics = system.batch_of(batch).semantics
        style = Style(vector=torch.randn(2, generator.z_dim))
        assert torch.equal(generator(semantics, style), system.generator.eval()(semantics, style))
        if weights == "raw":
            assert torch.equal(encoder(batch["image"])[0], system.encoder.eval()(batch["image"])[0])
    assert kept.config.size == [64, 64]


def test_what_is_not_there_is_named(run, tmp_path):
    with pytest.raises(ConfigError, match="no such directory"):
        _ = runs.Run(tmp_path / "nowhere").generator
    with pytest.raises(ConfigError, match=r"holds no config\.yaml"):
        _ = runs.Run(tmp_path).checkpoint
    with pytest.raises(ConfigError, match=r"checkpoint=best.*there are: last"):
        _ = runs.Run(run[0], "best").checkpoint
    with pytest.raises(ConfigError, match="weights=mean"):
        _ = runs.Run(run[0], weights="mean").generator


def test_a_checkpoint_by_path(run):
    last = run[0] / "checkpoints" / "last.ckpt"
    assert runs.Run(run[0], last).checkpoint == last
    assert runs.Run(run[0], "last.ckpt").checkpoint == last


def test_auto_is_the_best_where_the_run_kept_one(run, tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "last.ckpt").write_bytes((run[0] / "checkpoints" / "last.ckpt").read_bytes())
    assert runs.Run(tmp_path).checkpoint.name == "last.ckpt"
    assert str(runs.Run(tmp_path).saved) == f"last.ckpt of epoch {run[2].max_epochs}"
    save_weights(folder / "best.safetensors", {"generator": run[1].generator.state_dict()}, epoch=7)
    assert runs.Run(tmp_path).checkpoint.name == "best.safetensors"
    assert str(runs.Run(tmp_path).saved) == "best.safetensors of epoch 7"
    assert runs.Run(tmp_path, "last").checkpoint.name == "last.ckpt"  # what a training continues from


def test_a_resumed_run_takes_harmless_overrides(run):
    cfg = runs.resumed(str(run[0]), ["epochs=9", "trainer.devices=2", "logger.csv.path=x", "data.num_workers=1",
                                       "callbacks.checkpoints.monitor=loss/generator/kl"])
    assert (cfg.epochs, cfg.system.epochs, cfg.trainer.max_epochs) == (9, 9, 9)
    assert (cfg.trainer.devices, cfg.data.num_workers) == (2, 1)
    assert cfg.callbacks.checkpoints.monitor == "loss/generator/kl"


@pytest.mark.parametrize(("words", "devices", "strategy", "batch"), [
    (["gpus=2"], 2, DDP, (2, 1, 1)), (["trainer.devices=2"], 2, DDP, (2, 1, 1)), (["nodes=2"], 1, DDP, (2, 1, 1)),
    (["batch.device=1"], 1, "auto", (2, 1, 2)), (["batch.accumulation=2"], 1, "auto", (2, 1, 2)),
    ([], 1, "auto", (2, 2, 1))])
def test_the_batch_of_a_run_is_shared_anew_by_other_processes(words, devices, strategy, batch, run):
    cfg = runs.resumed(str(run[0]), words)
    assert (cfg.trainer.devices, cfg.trainer.strategy) == (devices, strategy)
    assert tuple(cfg.batch.values()) == batch
    assert (cfg.data.batch, cfg.system.accumulate) == batch[1:]


def test_devices_that_come_and_go_hold_no_more_samples_than_before(run, monkeypatch):
    """Also those that torchrun has started; a number that does not divide the batch is refused."""
    cfg = runs.resumed(str(run[0]), ["gpus=2"])
    resuming.apply_changes(cfg, {"gpus": 1})
    assert tuple(cfg.batch.values()) == (2, 1, 2)
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert runs.resumed(str(run[0]), []).trainer.devices == 2
    with pytest.raises(ConfigError, match="gpus=1 nodes=1, but torchrun has started gpus=2 nodes=1"):
        runs.resumed(str(run[0]), ["gpus=1"])
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigError, match=r"3 processes cannot share the run's batch\.total=2"):
        runs.resumed(str(run[0]), [])


@pytest.mark.parametrize("typed", ["trainer.max_time=10:00:00:00", "+trainer.max_time=10:00:00:00",
                                   "++trainer.max_time=10:00:00:00"])
def test_a_resumed_run_reads_words_as_a_new_one_does(typed, run):
    """YAML takes 10:00:00:00 for a number to the base of 60."""
    assert runs.resumed(str(run[0]), [typed]).trainer.max_time == "10:00:00:00"


def test_a_resumed_run_refuses_the_rest_by_name(run):
    with pytest.raises(ConfigError, match=r"cannot change batch, norm \(.*may change epochs"):
        runs.resumed(str(run[0]), ["norm=spade", "epochs=9", "batch=3"])
    with pytest.raises(ConfigError, match="key=value"):
        runs.resumed(str(run[0]), ["--multirun"])


@pytest.mark.parametrize(("override", "message"), [
    ("epohcs=4", r"epohcs: there is no such key in the run's config\.yaml; did you mean epochs"),
    ("epochs=four", r"epochs=four must be a whole number from 1 on"),
    ("epochs=", r"epochs=null must be a whole number"),
    ("decay_epochs=-1", r"decay_epochs=-1 must be auto or a whole number from 0 on"),
])
def test_a_resumed_run_names_slips(override, message, run):
    with pytest.raises(ConfigError, match=message):
        runs.resumed(str(run[0]), [override])


@pytest.mark.parametrize(("before", "more", "decay"), [
    ({}, [], 12),  # the recipe's share, 0.4, of 30
    ({"decay_epochs": 3, "system.decay_epochs": 3}, ["decay_epochs=3"], 3)])
def test_both_ways_to_go_on_for_longer_agree_on_the_decay(run, tmp_path, before, more, decay, capsys):
    """resume=DIR reads the run's configuration, resume=auto is given the command line again."""
    cfg = runs.Run(run[0]).config
    move(cfg, cfg.run_dir, str(tmp_path))
    for key, value in {"epochs": 10, "system.epochs": 10, "trainer.max_epochs": 10, "decay_epochs": 4,
                       "system.decay_epochs": 4, **before}.items():
        OmegaConf.update(cfg, key, value)
    runs.save_config(cfg)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    by_name = runs.resumed(str(tmp_path), ["epochs=30"])
    by_command, _ = runs.continue_where_possible(
        config.prepare(composed("resume=auto", f"run_dir={tmp_path}", "epochs=30", *more)))
    for cfg in (by_name, by_command):
        assert (cfg.epochs, cfg.trainer.max_epochs, cfg.decay_epochs, cfg.system.decay_epochs) == (30, 30, decay, decay)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0] == said[1]
    assert f"-> {decay}: the learning rates fall after epoch {30 - decay}" in said[0]


def test_data_and_runs_may_be_moved(tmp_path):
    """Wherever the old place stands; what is not a place stays refused."""
    (tmp_path / "here" / "checkpoints").mkdir(parents=True)
    (tmp_path / "here" / "checkpoints" / "last.ckpt").touch()
    plain = {"epochs": 1, "seed": 0, "dataset": {
        "name": "a", "root": "/old", "names": "/list.txt", "train": {"source": {"root": "/old"}}, "classes": ["sky"],
        "colours": [[0, 0, 0]], "unknown": None, "edges": False}, "size": [8, 8], "icpe": {"enabled": False},
             "data": {"val": {"source": {"root": "/old/val"}, "names": ["/old/x", "/older"]}}, "title": "old",
             "system": {"encoder_weights": "/old.pth"},
             "recipe": {}, "norm": {}, "generator": {}, "batch": {"total": 2, "device": 2, "accumulation": 1},
             "trainer": {"devices": 1, "num_nodes": 1, "strategy": "auto"},
             "run_dir": "/gone/run", "callbacks": {"panels": {"folder": "/gone/run/grids"}}}
    (tmp_path / "here" / "config.yaml").write_text(yaml.safe_dump(plain))
    cfg = runs.resumed(str(tmp_path / "here"), ["dataset.root=/new", "dataset.names=/new.txt",
                                                "system.encoder_weights=/new.pth"])
    assert (cfg.dataset.names, cfg.system.encoder_weights) == ("/new.txt", "/new.pth")
    assert cfg.dataset.root == cfg.dataset.train.source.root == "/new"
    assert cfg.data.val == {"source": {"root": "/new/val"}, "names": ["/new/x", "/older"]}
    assert cfg.run_dir == str(tmp_path / "here")
    assert cfg.callbacks.panels.folder == f"{tmp_path}/here/grids"
    with pytest.raises(ConfigError, match=r"cannot change dataset\.name \(.*dataset\.root=DIR"):
        runs.resumed(str(tmp_path / "here"), ["dataset.name=/new"])


def test_resume_argument():
    assert runs.asked_to_resume(["a=1", "resume=runs/x"]) == ("runs/x", ["a=1"])
    assert runs.asked_to_resume(["resume=auto"]) is None
    assert runs.asked_to_resume(["resume=null", "b=2"]) is None


def test_resume_auto(run, tmp_path):
    fresh, checkpoint = runs.continue_where_possible(config.prepare(composed("resume=auto", f"run_dir={tmp_path}")))
    assert checkpoint is None
    assert fresh.run_dir == str(tmp_path)
    same, checkpoint = runs.continue_where_possible(
        config.prepare(composed("resume=auto", f"run_dir={run[0]}", "epochs=7")))
    assert checkpoint == run[0] / "checkpoints" / "last.ckpt"
    assert same.epochs == 7
    with pytest.raises(ConfigError, match="seed"):
        runs.continue_where_possible(config.prepare(composed("resume=auto", f"run_dir={run[0]}", "seed=5")))


def test_resume_auto_writes_over_no_best_checkpoint(run, tmp_path, capsys):
    """Where somebody took `last.ckpt` away, a training that began anew would soon have a `best.ckpt` of its own."""
    again = tmp_path / "again"
    shutil.copytree(run[0], again)
    (again / "checkpoints" / "last.ckpt").rename(again / "checkpoints" / "best.ckpt")
    _, checkpoint = runs.continue_where_possible(config.prepare(composed("resume=auto", f"run_dir={again}")))
    assert checkpoint == again / "checkpoints" / "best.ckpt"
    assert "last.ckpt is not there: goes on from best.ckpt" in capsys.readouterr().out


def test_a_second_run_does_not_overwrite_the_first(run):
    with pytest.raises(ConfigError, match=rf"resume={run[0]}`, or take another run_dir"):
        runs.continue_where_possible(config.prepare(composed(f"run_dir={run[0]}")))


def test_other_processes_are_told(run, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.delenv(runs.RUN_VARIABLE, raising=False)
    assert runs.handed_over_by_rank_zero() is None
    monkeypatch.setenv(runs.CHECKPOINT_VARIABLE, "old")
    runs.tell_other_processes(run[0], None)
    cfg, checkpoint = runs.handed_over_by_rank_zero()
    assert checkpoint is None
    assert cfg == OmegaConf.load(run[0] / "config.yaml")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert runs.handed_over_by_rank_zero() is None
    monkeypatch.delenv(runs.RUN_VARIABLE)
