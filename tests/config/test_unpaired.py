"""Unpaired trainings: label maps from elsewhere, and a segmenter in the loop."""

import shutil

import pytest
import torch
from commands import ROOT, SMALL, UNPAIRED, hydra, training
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from semsynth import config, runs
from semsynth.errors import ConfigError
from semsynth.training import launch

CONF = ROOT / "conf"


@pytest.mark.parametrize("source", ["camvid", "folder"])
def test_label_maps_from_elsewhere(source, data_root, tmp_path, monkeypatch):
    """The layouts of another data set, or of a folder, beside the photographs of this one."""
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    folder = data_root / "camvid" / "trainannot"
    overrides = [*SMALL, *UNPAIRED, "dataset.unpaired=labels_only", "trainer=smoke", f"run_dir={tmp_path}", "size=64"]
    if source == "camvid":  # names that differ are given; scenes has no unknown class, so all must have a partner
        names = ("pole: fence, pavement: road, sign: fence, pedestrian: person, bicyclist: person, unlabelled: grass")
        overrides += ["dataset.labels_from=camvid", f"dataset.label_names={{{names}}}", "dataset.train_length=4",
                      "dataset.val_length=2"]
    else:
        overrides += ["dataset=camvid", f"dataset.labels_from={folder}", "size=[64,96]"]
    cfg = training(*list({o.split("=")[0]: o for o in overrides}.values()))
    with hydra():
        cfg = config.prepare(cfg)
    trainer, system, data = runs.build(cfg)
    launch.fit(trainer, system, data, None)
    batch = next(iter(data.train_dataloader()))
    if source == "camvid":
        assert data.labels_from.table.tolist() == [0, 7, 11, 6, 6, 8, 11, 11, 9, 10, 10, 5]
    assert int(batch["labels"].max()) < 12


@pytest.mark.parametrize("source", ["camvid", "folder"])
def test_label_maps_from_elsewhere_have_the_offsets_of_the_run(source, data_root, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    folder = data_root / "camvid" / "trainannot"
    wanted = ["icpe.components=largest", "icpe.skip_label=3", "norm=clade_icpe", "dataset=camvid", "size=[64,96]"]
    overrides = [*SMALL, *UNPAIRED, "dataset.unpaired=labels_only", *wanted, "run_dir=x",
                 f"dataset.labels_from={source if source == 'camvid' else folder}"]
    cfg = training(*list({o.split("=")[0]: o for o in overrides}.values()))
    with hydra():
        cfg = config.prepare(cfg)
    other = instantiate(cfg.dataset.labels_from, _convert_="all")
    assert other.dataset.offsets.offsets == instantiate(cfg.icpe)
    assert (other.dataset.offsets.offsets.components, other.dataset.offsets.offsets.skip_label) == ("largest", 3)
    assert other.label_map(0)["offsets"].shape == (2, 64, 96)


def test_label_maps_of_a_data_set_that_only_the_command_knows(tmp_path):
    """The package finds data sets as Hydra does, not by where its own files lie."""
    shutil.copytree(CONF, tmp_path / "conf")
    text = (CONF / "dataset" / "scenes.yaml").read_text()
    (tmp_path / "conf" / "dataset" / "mine.yaml").write_text(text.replace("name: scenes", "name: mine"))
    overrides = [*UNPAIRED, "dataset.unpaired=labels_only", "dataset.labels_from=mine", "logger=csv", "run_dir=x"]
    with initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
        cfg = config.prepare(compose("train", overrides=overrides))
    assert cfg.dataset.labels_from.title == "mine"
    with pytest.raises(ConfigError, match="composed by Hydra"):
        config.prepare(training(*overrides))


@pytest.mark.parametrize("choice", ["untrained", "untrained_ppm", "pretrained"])
def test_every_segmenter_in_the_loop_can_be_chosen(choice):
    shipped = ["segmenter@system.segmenter.judge=scenes"] if choice == "pretrained" else []
    cfg = config.prepare(training("experiments=unpaired", f"in_loop@system.segmenter={choice}", *shipped, "run_dir=x",
                                  "logger=csv"))
    segmenter = instantiate(cfg.system.segmenter, _convert_="all")
    assert segmenter(torch.zeros(2, 3, 64, 64)).shape == (2, 12, 64, 64)
    assert segmenter.frozen == (choice == "pretrained")


def test_the_small_setting_of_the_slides():
    cfg = config.prepare(training("experiments=unpaired_small_ade20k", "run_dir=x", "logger=csv"))
    with torch.device("meta"):
        generator = instantiate(cfg.generator, _convert_="all")
    assert sum(p.numel() for p in generator.parameters()) == 13_963_251
    assert (cfg.size, cfg.epochs, cfg.decay_epochs) == ([64, 64], 50, 0)
