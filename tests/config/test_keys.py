"""One rule for each key, which every default fulfils and every other kind of value breaks."""

import os

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from semsynth.config.keys import check_kinds, is_needed, kind_of
from semsynth.errors import ConfigError
from semsynth.shipped import CONF
from semsynth.spelling import COMMANDS

CHOICES = {"train": (["dataset=ade20k_outdoor"], ["dataset=cityscapes"], ["dataset=folder"],
                     ["system=unpaired", "loss=unpaired_cycle"]), "evaluate": (["dataset=camvid"],)}


def composed(command, *words):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, overrides=list(words))


def own_keys(node, path=""):
    """Keys that no signature speaks of: those of no node with a target."""
    for name in node:
        key = f"{path}.{name}" if path else str(name)
        yield key
        if not OmegaConf.is_interpolation(node, name) and not OmegaConf.is_missing(node, name):
            value = node[name]
            if isinstance(value, DictConfig) and "_target_" not in value:
                yield from own_keys(value, key)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_has_a_rule_and_every_default_fulfils_it(command):
    for words in ([], *CHOICES.get(command, ())):
        cfg = composed(command, *words)
        assert [key for key in own_keys(cfg) if kind_of(key, command) is None] == []
        if "run_dir" in cfg:
            cfg.run_dir = "x"  # its default has the time of the command in it
        check_kinds(cfg, command)


@pytest.mark.parametrize(("key", "values"), [
    ("batch", ["foo", 0, 1.5, True, None, [], 10**9]), ("batch.total", ["all", 0, 1.5, 10**9]),
    ("gpus", ["auto", 0, 1.5]), ("nodes", [None, 0]), ("generator.ngf", [0, 10**6]), ("icpe.zero_start", [[], "x"]),
    ("seed", [-1, float("nan")]),
    ("size", [7, [64], [64, 64, 3], [64, "x"], 10**9, True]), ("compile", [1, "yes", None]),
    ("dataset.root", [3, None, "", "a\0b", []]), ("dataset.colours", [[[0, 0, 256]], [[0, 0]], 3]),
    ("dataset.val_fraction", [float("nan"), float("inf"), -0.1, True, "x"]), ("recipe.ema", ["x", 2]),
    ("loss.generator", [None, 3, []]), ("generator", ["spade", None]), ("callbacks.ema", ["off"]),
    ("norm.anything", [float("nan"), float("inf")]), ("device", ["foo", "cuda:x", "meta", 0]),
    ("trainer.accelerator", ["foo", 1]), ("trainer.devices", [0, -2, "foo", [], 1.5, None, True]),
    ("trainer.precision", ["foo", 8]), ("trainer.max_time", ["soon", 5]),
    ("trainer.limit_val_batches", [-1, 1.5, "all"]),
])
def test_what_a_key_does_not_take(key, values):
    for value in values:
        cfg = OmegaConf.create()
        OmegaConf.update(cfg, key, value, force_add=True)
        with pytest.raises(ConfigError, match=rf"^{key}=.* must be "):
            check_kinds(cfg)


def test_a_seed_may_be_any_that_generators_take():
    """Such as the time, or 32 bits of somebody's chance."""
    check_kinds(OmegaConf.create({"seed": 2**32 - 1, "dataset": {"split_seed": 20_261_127_150_000}}))
    with pytest.raises(ConfigError, match=f"a whole number from 0 to {2**63 - 1}"):
        check_kinds(OmegaConf.create({"seed": 2**63}))


@pytest.mark.parametrize(("key", "values"), [
    ("device", ["auto", "cuda:1"]), ("trainer.devices", ["auto", -1, 8, [0, 3], "0,3", "2"]),
    ("trainer.precision", [16, "bf16", "bf16-mixed"]), ("trainer.max_time", [None, "10:00:00:00", {"hours": 8}]),
    ("trainer.limit_val_batches", [0, 0.5, 30])])
def test_what_a_key_takes(key, values):
    for value in values:
        cfg = OmegaConf.create()
        OmegaConf.update(cfg, key, value, force_add=True)
        check_kinds(cfg)


def test_a_name_that_no_file_could_keep():
    """A run could not be opened again, since no YAML holds such bytes."""
    cfg = OmegaConf.create({"run_dir": os.fsdecode(b"runs/\xff")})
    with pytest.raises(ConfigError, match=r"^run_dir=.* is no UTF-8.*another name"):
        check_kinds(cfg)
    check_kinds(OmegaConf.create({"input": os.fsdecode(b"\xff")}), "synthesize")  # nothing keeps it


def test_all_faults_are_told_at_once_and_each_once():
    with pytest.raises(ConfigError) as told:
        check_kinds(OmegaConf.create({"batch": 0, "size": "${dataset.size}", "dataset": {"size": [1]},
                                      "norm": {"_target_": "a.b", "hidden": "${nowhere}"}, "output": "???"}))
    assert [line.split("=")[0].split(":")[0] for line in str(told.value).splitlines()] == [
        "batch", "dataset.size", "norm.hidden"]


@pytest.mark.parametrize(("command", "key", "value", "refused"), [
    ("evaluate", "run", None, False), ("synthesize", "run", None, True), ("evaluate", "batch", None, False),
    ("train", "batch", None, True), ("synthesize", "size", "native", False), ("train", "size", "native", True),
    ("complexity", "threads", "auto", True), ("evaluate", "threads", "auto", False),
    ("complexity", "fits", "0.5GB", False), ("complexity", "fits", "0.0GB", True)])
def test_a_key_may_mean_something_else_to_another_command(command, key, value, refused):
    assert kind_of(key, command).fits(value) is not refused


@pytest.mark.parametrize(("command", "key", "needed"), [
    ("train", "batch", True), ("evaluate", "run", True), ("train", "recipe.kl", True),
    ("train", "callbacks.ema", False), ("train", "generator.upsamplings", False)])
def test_what_is_read_cannot_be_taken_out(command, key, needed):
    assert is_needed(key, command) is needed
