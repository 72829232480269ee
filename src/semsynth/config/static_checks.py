"""The first checks: values that are impossible whatever the rest is. They import neither torch nor Lightning."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.class_names import fault_of
from semsynth.config.keys import check_kinds
from semsynth.errors import ConfigError
from semsynth.signatures import near

KEYS = (
    "size", "gpus", "nodes", "batch", "epochs", "decay_epochs", "seed", "compile", "matmul", "threads", "resume",
    "init_from", "shards", "shards_cache",
    "run_dir", "dataset", "recipe", "icpe", "augment", "data", "base", "norm", "encoder", "generator", "discriminator",
    "objective", "loss", "optim", "system", "callbacks", "protocol", "segmenter", "scores", "trainer", "logger",
)
RECIPE = (
    "name", "batch", "epochs", "decay_epochs", "ngf", "light_ngf", "ndf", "hidden", "z_dim", "kl", "kl_samples",
    "lr_generator", "lr_discriminator", "regenerate_fake", "ema", "upsamplings", "init_gain", "patch_layers",
)
BY_SIZE = "by_size"  # what a recipe may say besides


def check_values(cfg: DictConfig) -> None:
    """Check the top-level keys and the facts of the data set.

    Raises:
        ConfigError: an unknown key or an impossible value.
    """
    if "study" in cfg:
        raise ConfigError("experiments= names a table or figure, whose jobs are of several commands: "
                          "python train.py experiments=NAME, without others beside it")
    for key in cfg:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!s}{near(str(key), KEYS)}" + (
                ": a file of conf/scoring begins with the line `# @package _global_`" if key == "scoring" else ""))
    check_recipe(cfg)
    check_kinds(cfg)
    if cfg.decay_epochs != "auto" and cfg.decay_epochs > cfg.epochs:
        raise ConfigError(f"decay_epochs={cfg.decay_epochs} is more than epochs={cfg.epochs}")
    check_classes(cfg)
    for key in {"recipe", "by_size"} & {*cfg.dataset}:  # in a file of one's own nothing else would refuse them
        raise ConfigError(f"dataset.{key}: recipes are a group of their own, with conf/recipe/NAME.yaml and keys "
                          f"recipe.KEY; a data set's yaml has none")
    if _value(cfg, "dataset.edges") and not _value(cfg, "dataset.instances"):
        raise ConfigError("dataset.edges=true needs dataset.instances=true: edges are made from instance maps")


def check_recipe(cfg: DictConfig) -> None:
    """Check that a recipe says all that it must, and nothing else.

    Raises:
        ConfigError: it does not; names the keys.
    """
    recipe = cfg.get("recipe") or {}
    name = str(recipe.get("name", "?"))
    for key in map(str, recipe):
        if key not in (*RECIPE, BY_SIZE):
            raise ConfigError(f"recipe.{key}: recipe={name} has a key that is read by nothing{near(key, RECIPE)}")
    lacking = [f"recipe.{key}" for key in RECIPE if key not in recipe]
    lacking += [key for key in ("loss", "encoder") if key not in cfg]
    if lacking:
        raise ConfigError(f"recipe={name} says nothing of {', '.join(lacking)}: begin its file with "
                          "`defaults: [folder, _self_]`, for all that it does not change")


def check_classes(cfg: DictConfig) -> None:
    """Check that the classes of the data set, their colours and their number agree.

    Raises:
        ConfigError: they do not.
    """
    names, colours = _value(cfg, "dataset.classes"), _value(cfg, "dataset.colours")
    count, unknown = _value(cfg, "dataset.num_classes"), _value(cfg, "dataset.unknown")
    if names is None or colours is None or count is None:  # read from the data set's own files by `finalize`
        return
    if not len(names) == len(colours) == count:
        raise ConfigError(f"dataset.num_classes={count}, but dataset.classes has {len(names)} names and "
                          f"dataset.colours {len(colours)} colours: all three must agree")
    for name in names:
        if fault := fault_of(name):
            raise ConfigError(f"dataset.classes: {name!r:.100} is no name of a class: {fault}")
    if unknown is not None and not 0 <= unknown < count:
        raise ConfigError(f"dataset.unknown={unknown} is no class: null or 0 to {count - 1}")


def _value(cfg: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(cfg, key, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}: {str(error).splitlines()[0]}") from error


def check_output(cfg: DictConfig, suffix: str) -> None:
    """Check that `output` names a file with a suffix that can be written.

    Raises:
        ConfigError: it is missing, has another suffix, or is a directory.
    """
    if OmegaConf.is_missing(cfg, "output") or cfg.output is None:
        raise ConfigError(f"output= is missing: name the file to write, as in output=NAME{suffix}")
    if Path(str(cfg.output)).suffix != suffix or Path(str(cfg.output)).is_dir():
        raise ConfigError(f"output={cfg.output} must be a file whose name ends in {suffix}")
