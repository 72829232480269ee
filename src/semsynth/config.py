"""Completing a composed configuration and checking it before anything is built.

`prepare` is what an entry point calls. Its first checks import neither torch nor Lightning, so that a wrong value is
answered at once.
"""

import difflib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import hydra.utils
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from semsynth.signatures import ConfigError, bind, locate, near, targets

__all__ = ["ConfigError", "check", "check_networks", "check_values", "explained", "finalize", "prepare",
           "prepare_part", "suggest"]

KEYS = (
    "size", "batch", "epochs", "decay_epochs", "accumulate", "seed", "compile", "resume", "init_from", "run_dir",
    "dataset", "icpe", "augment", "data", "base", "norm", "encoder", "generator", "discriminator", "objective", "loss",
    "optim", "system", "callbacks", "scores", "trainer", "logger",
)
# The order of binding: what imports only torch comes before what imports Lightning.
NETWORKS = ("base", "norm", "encoder", "generator", "discriminator")
GROUPS = (*NETWORKS, "objective", "loss", "optim", "icpe", "augment", "dataset", "data", "callbacks", "system",
          "logger", "trainer")
MULTIPLE = 32  # sides made from an aspect are rounded to this


def prepare(cfg: DictConfig) -> DictConfig:
    """Check the values, complete the configuration, check the rest; return it with all interpolations resolved.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    check_values(cfg)
    finalize(cfg)
    resolved = _resolved(cfg)
    check(resolved)
    return resolved


def prepare_part(cfg: DictConfig, groups: Sequence[str], built: Sequence[str] = ()) -> DictConfig:
    """Complete the configuration of a tool and bind its groups; return it with all interpolations resolved.

    `encoder` and `loss`, which a data set chooses for the training of generators, are left out if not among the groups.

    Args:
        cfg: The composed configuration.
        groups: Keys whose nodes are held against their signatures.
        built: Those that are also built once, without memory for weights, for their own checks.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    for key, least in (("batch", 1), ("epochs", 1), ("seed", 0)):
        if key in cfg:
            _whole(cfg, key, least)
    _check_size(cfg)
    _check_classes(cfg)
    finalize(cfg)
    with open_dict(cfg):
        for key in {"encoder", "loss"} - set(groups):
            cfg.pop(key, None)
    resolved = _resolved(cfg)
    plain: Any = OmegaConf.to_container(resolved)
    _check_signatures(plain, groups)
    _build_without_memory(resolved, built)
    if "trainer" in groups:
        _check_trainer(resolved)
    return resolved


def check_output(cfg: DictConfig, suffix: str) -> None:
    """Check that `output` names a file with a suffix that can be written.

    Raises:
        ConfigError: it is missing, has another suffix, or is a directory.
    """
    if OmegaConf.is_missing(cfg, "output") or cfg.output is None:
        raise ConfigError(f"output= is missing: name the file to write, as in output=NAME{suffix}")
    if Path(str(cfg.output)).suffix != suffix or Path(str(cfg.output)).is_dir():
        raise ConfigError(f"output={cfg.output} must be a file whose name ends in {suffix}")


@contextmanager
def explained(reraise: bool = False) -> Iterator[None]:
    """Print a ConfigError alone, without a traceback, and exit with code 2.

    Args:
        reraise: Print it and let it pass instead, so that the other jobs of a sweep go on.
    """
    try:
        yield
    except ConfigError as error:
        print(error, file=sys.stderr, flush=True)
        if reraise:
            raise
        sys.exit(2)


# ---- values, without imports


def check_values(cfg: DictConfig) -> None:
    """Check the top-level keys and the facts of the data set.

    Raises:
        ConfigError: an unknown key or an impossible value.
    """
    for key in cfg:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!s}{near(str(key), KEYS)}")
    _whole(cfg, "batch", 1)
    _whole(cfg, "epochs", 1)
    _whole(cfg, "accumulate", 1)
    _whole(cfg, "seed", 0)
    if cfg.decay_epochs != "auto":
        _whole(cfg, "decay_epochs", 0)
        if cfg.decay_epochs > cfg.epochs:
            raise ConfigError(f"decay_epochs={cfg.decay_epochs} is more than epochs={cfg.epochs}")
    for key in ("compile", "dataset.instances", "dataset.edges"):
        _one_of(cfg, key, (True, False))
    _one_of(cfg, "icpe.enabled", ("auto", True, False))
    _check_size(cfg)
    _check_classes(cfg)
    if _value(cfg, "dataset.edges") and not _value(cfg, "dataset.instances"):
        raise ConfigError("dataset.edges=true needs dataset.instances=true: edges are made from instance maps")


def _check_size(cfg: DictConfig) -> None:
    size = _value(cfg, "size")
    sides = list(size) if isinstance(size, ListConfig | list) else [size, size]
    if len(sides) != 2 or not all(_is_whole(side) and side >= 8 for side in sides):
        raise ConfigError(f"size={size} must be [H,W] or the shorter side, in pixels from 8 on")


def _check_classes(cfg: DictConfig) -> None:
    names, colours = _value(cfg, "dataset.classes"), _value(cfg, "dataset.colours")
    count, unknown = _value(cfg, "dataset.num_classes"), _value(cfg, "dataset.unknown")
    if names is None or colours is None or count is None:  # read from the data set's own files by `finalize`
        return
    if not len(names) == len(colours) == count:
        raise ConfigError(f"dataset.num_classes={count}, but dataset.classes has {len(names)} names and "
                          f"dataset.colours {len(colours)} colours: all three must agree")
    for name, colour in zip(names, colours, strict=True):
        if len(colour) != 3 or not all(_is_whole(part) and 0 <= part <= 255 for part in colour):
            raise ConfigError(f"dataset.colours: {list(colour)} of class {name} is not [R,G,B] with values 0 to 255")
    if unknown is not None and not (_is_whole(unknown) and 0 <= unknown < count):
        raise ConfigError(f"dataset.unknown={unknown} is no class: null or 0 to {count - 1}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _value(cfg: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(cfg, key, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}: {str(error).splitlines()[0]}") from error


def _whole(cfg: DictConfig, key: str, least: int) -> None:
    value = _value(cfg, key)
    if not _is_whole(value) or value < least:
        raise ConfigError(f"{key}={value} must be a whole number from {least} on")


def _one_of(cfg: DictConfig, key: str, allowed: Sequence[Any]) -> None:
    value = _value(cfg, key)
    if not any(value is choice or (isinstance(choice, str) and value == choice) for choice in allowed):
        words = [str(choice).lower() for choice in allowed]
        raise ConfigError(f"{key}={value} must be {', '.join(words[:-1])} or {words[-1]}{near(str(value), words)}")


# ---- completing


def finalize(cfg: DictConfig) -> DictConfig:
    """Fill in what follows from other settings, in place: the size, the classes of a folder, offsets, the decay.

    - `size`, where it is a number, becomes [H, W]: the shorter side, with the aspect of `dataset.recipe.size`, the
      other side rounded to a multiple of 32;
    - the classes of `dataset=folder` are read from its `classes.yaml`;
    - `icpe.enabled=auto` becomes true where a norm reads offsets or `generator.fc_offsets` is set;
    - `decay_epochs=auto` becomes the share of `epochs` that it has in the data set's recipe.

    Raises:
        ConfigError: a norm that does not exist, or a folder without readable classes.
    """
    if not isinstance(cfg.size, ListConfig):
        OmegaConf.update(cfg, "size", shorter_side(cfg.size, cfg.dataset.recipe.size), force_add=True)
    if cfg.dataset.name == "folder" and not cfg.dataset.classes:
        from semsynth.data.classes import load_classes

        try:
            table = load_classes(cfg.dataset.root)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        values: dict[str, Any] = {"classes": table.names, "colours": table.colours, "ids": table.ids}
        if OmegaConf.is_missing(cfg.dataset, "num_classes") or cfg.dataset.num_classes is None:
            values["num_classes"] = len(table.names)
        for key, value in values.items():
            OmegaConf.update(cfg, f"dataset.{key}", value, force_add=True)
        _check_classes(cfg)
    if "icpe" in cfg and cfg.icpe.enabled == "auto":
        OmegaConf.update(cfg, "icpe.enabled", reads_offsets(cfg))
    if cfg.get("decay_epochs") == "auto":
        recipe = cfg.dataset.recipe
        share = round(cfg.epochs * recipe.decay_epochs / recipe.epochs)
        OmegaConf.update(cfg, "decay_epochs", min(cfg.epochs, share))
    return cfg


def shorter_side(side: int, recipe: Sequence[int]) -> list[int]:
    """[H, W] with the given shorter side and about the aspect of `recipe` [H, W]."""
    short = min(recipe)
    return [side if length == short else max(MULTIPLE, round(side * length / short / MULTIPLE) * MULTIPLE)
            for length in recipe]


def reads_offsets(cfg: DictConfig) -> bool:
    """Whether the norm (any norm of a schedule) or the generator's start reads positional offsets."""
    if OmegaConf.select(cfg, "generator.fc_offsets"):
        return True
    norm = OmegaConf.to_container(cfg.norm, resolve=True)
    return any(getattr(locate(node["_target_"], path), "uses_offsets", False) for path, node in targets(norm, "norm"))


def _resolved(cfg: DictConfig) -> DictConfig:
    try:
        plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        return cast(DictConfig, OmegaConf.create(plain))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{getattr(error, 'full_key', '')}: {str(error).splitlines()[0]}") from error


# ---- checks that import


def check(cfg: DictConfig) -> None:
    """Check a completed configuration: signatures, what must agree between groups, and the networks' own checks.

    Raises:
        ConfigError: the first fault; the message names the key and the way out.
    """
    check_networks(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    _check_signatures(plain, [group for group in GROUPS if group not in NETWORKS])
    for path, node in targets(plain["loss"], "loss"):
        preflight = getattr(locate(node["_target_"], path), "preflight", None)
        if preflight is not None:
            _explain(path, lambda: preflight(**{k: v for k, v in node.items() if not k.startswith("_")}))  # noqa: B023
    _check_trainer(cfg)


def _check_trainer(cfg: DictConfig) -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # not its tips and its summary of the flags
    node = {**cfg.trainer, "logger": False}
    _explain("trainer", lambda: hydra.utils.instantiate(node, _convert_="all"))


def check_networks(cfg: DictConfig) -> None:
    """The part of `check` that concerns the networks alone: it needs neither data nor weights.

    Raises:
        ConfigError: the first fault.
    """
    _check_agreement(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    _check_signatures(plain, NETWORKS)
    _build_without_memory(cfg, ("encoder", "generator", "discriminator"))


def _check_agreement(cfg: DictConfig) -> None:
    count, instances = cfg.dataset.num_classes, cfg.dataset.instances
    for part in ("generator", "discriminator"):
        if cfg[part].get("num_classes", count) != count:
            raise ConfigError(f"{part}.num_classes={cfg[part].num_classes} is not dataset.num_classes={count}")
    parts = ("norm", "generator", "discriminator")
    plain: Any = {part: OmegaConf.to_container(cfg[part], resolve=True) for part in parts}
    for path, node in targets(plain):
        if node.get("edges") and not instances:
            raise ConfigError(f"{path}.edges=true needs instance maps: set {path}.edges=false or "
                              f"dataset.instances=true")
    if cfg.encoder.get("z_dim", 0) != cfg.generator.get("z_dim", 0):
        raise ConfigError(f"encoder.z_dim={cfg.encoder.get('z_dim', 0)} is not generator.z_dim={cfg.generator.z_dim}: "
                          f"leave generator.z_dim to follow the encoder, or take encoder=style")
    if not cfg.icpe.enabled and reads_offsets(cfg):
        raise ConfigError("icpe.enabled=false, but the norm or the generator reads positional offsets: "
                          "set icpe.enabled=auto")
    if cfg.decay_epochs > cfg.epochs:
        raise ConfigError(f"decay_epochs={cfg.decay_epochs} is more than epochs={cfg.epochs}")
    if cfg.trainer.get("strategy") in ("ddp", "ddp_spawn", "ddp_fork"):
        raise ConfigError(f"trainer.strategy={cfg.trainer.strategy} fails where two networks take turns: "
                          f"set trainer.strategy={cfg.trainer.strategy}_find_unused_parameters_true")
    if cfg.trainer.get("max_epochs", cfg.epochs) != cfg.epochs:
        raise ConfigError(f"trainer.max_epochs={cfg.trainer.max_epochs} is not epochs={cfg.epochs}, which the learning "
                          f"rates follow: set epochs instead")
    if cfg.trainer.get("max_steps", -1) != -1:
        raise ConfigError(f"trainer.max_steps={cfg.trainer.max_steps}: the length of a training is set by epochs, "
                          f"which the learning rates follow; trainer.limit_train_batches shortens an epoch")
    if re.match(r"runs/\d{4}-\d\d-\d\d_", cfg.run_dir):  # the default, which has the time in it
        if cfg.resume == "auto":
            raise ConfigError("resume=auto never finds a run in a directory with a new name: set run_dir=runs/NAME")
        if _started_with_others():
            raise ConfigError("processes that torchrun or srun starts must share a directory: set run_dir=runs/NAME")


def _started_with_others() -> bool:
    """Whether torchrun or srun started this process as one of several."""
    tasks = max(int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "SLURM_NTASKS"))
    return tasks > 1 and any(name in os.environ for name in ("LOCAL_RANK", "SLURM_LOCALID", "SLURM_PROCID"))


def _check_signatures(plain: dict[str, Any], groups: Sequence[str]) -> None:
    seen: set[str] = set()
    for group in groups:
        for path, node in targets(plain.get(group), group):
            print_of_node = json.dumps(node, sort_keys=True, default=str)
            if print_of_node not in seen:  # a node that another group interpolates is checked where it stands
                seen.add(print_of_node)
                bind(path, node)


def _build_without_memory(cfg: DictConfig, parts: Sequence[str]) -> None:
    """Run the networks' constructors on the meta device: their own checks of sizes, strides and widths, for nothing."""
    import torch

    for part in parts:
        with torch.device("meta"):
            _explain(part, lambda: hydra.utils.instantiate(cfg[part], _convert_="all"))  # noqa: B023


def _explain(path: str, action: Callable[[], Any]) -> None:
    """Turn what a constructor or a preflight says of its arguments into a ConfigError that names the node."""
    try:
        action()
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    except InstantiationException as error:
        from pytorch_lightning.utilities.exceptions import MisconfigurationException

        if isinstance(error.__cause__, ValueError | TypeError | ImportError | MisconfigurationException):
            raise ConfigError(f"{path}: {error.__cause__}") from error
        raise


# ---- when Hydra itself refuses an override


def suggest(arguments: Sequence[str], config_dir: Path, config_name: str = "train") -> list[str]:
    """For every `key=value` argument whose key or choice Hydra cannot know, a line with what is near.

    Args:
        arguments: Command-line arguments.
        config_dir: The directory of the configuration.
        config_name: Its primary file.
    """
    groups = {str(p.relative_to(config_dir)): sorted(f.stem for f in p.glob("*.yaml"))
              for p in config_dir.rglob("*") if p.is_dir()}
    lines = []
    keys: set[str] | None = None
    for argument in arguments:
        key, equals, value = argument.lstrip("+~").partition("=")
        key = key.split("@")[0]
        if not equals or argument.startswith(("-", "~", "+")) or key.startswith(("hydra", "experiments")):
            continue
        if key in groups:
            for choice in value.split(","):
                if choice and choice not in groups[key] and "(" not in value and choice != "null":
                    lines.append(f"{key}={choice}: there is no such choice{near(choice, groups[key])}")
            continue
        if keys is None:
            keys = _all_keys(config_dir, config_name)
        if keys and key not in keys:
            lines.append(f"{key}: there is no such key{_near_key(key, keys | set(groups))}")
    return lines


def _all_keys(config_dir: Path, config_name: str) -> set[str]:
    try:
        with initialize_config_dir(str(config_dir.resolve()), version_base="1.3"):
            cfg = compose(config_name)
    except HydraException:
        return set()
    keys: set[str] = set()

    def collect(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                collect(child, f"{path}.{key}" if path else str(key))
        keys.add(path)

    collect(OmegaConf.to_container(cfg, resolve=False), "")
    return keys


def _near_key(key: str, keys: set[str]) -> str:
    """The nearest dotted keys; also those whose last word is near, wherever they stand."""
    last = key.rsplit(".", 1)[-1]
    matches = difflib.get_close_matches(key, sorted(keys), n=2, cutoff=0.6)
    ends = {k.rsplit(".", 1)[-1] for k in keys}
    for word in difflib.get_close_matches(last, sorted(ends), n=1, cutoff=0.75):
        matches += [k for k in sorted(keys) if k.rsplit(".", 1)[-1] == word][:2]
    return f"; did you mean {' or '.join(dict.fromkeys(matches))}?" if matches else ""
