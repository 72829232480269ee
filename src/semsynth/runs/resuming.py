"""Continuing a run, and what it may change then."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from semsynth.config.defaults import share_of_decay
from semsynth.config.static_checks import check_matmul, check_threads, check_whole
from semsynth.errors import ConfigError
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import (
    CHECKPOINTS,
    CONFIG,
    FINISHED,
    SUFFIXES,
    checkpoints_in,
    find_checkpoint,
    load_config,
)
from semsynth.runs.moving import is_place, move
from semsynth.signatures import near

MAY_CHANGE = ("epochs", "decay_epochs", "matmul", "threads", "trainer.", "logger.", "callbacks.checkpoints.",
              "data.num_workers", "resume")


def asked_to_resume(arguments: Sequence[str]) -> tuple[str, list[str]] | None:
    """The directory of a `resume=DIR` argument and the other arguments; None without one, and for `--help`."""
    for argument in arguments if not {"--help", "-h"} & {*arguments} else ():
        key, _, value = argument.partition("=")
        if key == "resume" and value not in ("", "auto", "null"):
            return value, [a for a in arguments if a != argument]
    return None


def resumed(run_dir: str, arguments: Sequence[str]) -> DictConfig:
    """The configuration of a run with the overrides that a resumed run may have.

    Raises:
        ConfigError: no such run, or overrides that it refuses; names each and why.
    """
    cfg = load_config(run_dir)
    if find_checkpoint(run_dir).suffix != SUFFIXES[0]:
        raise ConfigError(f"resume={run_dir}: this run was imported, there is no training to continue: start one from "
                          f"its weights with init_from={run_dir}")
    changes: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or argument.startswith("-"):
            raise ConfigError(f"resume={run_dir} takes key=value arguments besides, not {argument!r}")
        changes[key] = yaml.safe_load(value)
    _check_typed(cfg, changes)
    move(cfg, cfg.run_dir, str(run_dir))  # it may have been moved since
    apply_changes(cfg, changes)
    return cfg


def _check_typed(cfg: DictConfig, changes: dict[str, Any]) -> None:
    """Check that there are such keys, and epochs in whole numbers.

    Raises:
        ConfigError: names the key and what is near.
    """
    known = {key for path in _flat(cfg) for key in _and_above(path)} | {"matmul", "resume", "threads"}
    for key in changes:
        if key not in known and not any(k[-1] == "." and key.startswith(k) for k in MAY_CHANGE):
            raise ConfigError(f"{key}: there is no such key in the run's {CONFIG}{near(key, known)}")
    if "matmul" in changes:
        check_matmul(OmegaConf.create({"matmul": changes["matmul"]}))
    for key in {"epochs", "decay_epochs"} & changes.keys():
        if (key, changes[key]) != ("decay_epochs", "auto"):
            check_whole(OmegaConf.create({key: changes[key]}), key, 1 if key == "epochs" else 0)
    if "threads" in changes:
        check_threads(OmegaConf.create({"threads": changes["threads"]}))


def _and_above(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def continue_where_possible(cfg: DictConfig) -> tuple[DictConfig, Path | None]:
    """With `resume=auto` the run's own configuration and its last checkpoint, where `run_dir` holds one.

    Raises:
        ConfigError: this configuration differs from the run's in what cannot change; or `run_dir` holds the checkpoints
            of another run, and nothing says that it shall go on.
    """
    folder = Path(cfg.run_dir) / CHECKPOINTS
    last = folder / "last.ckpt"
    if cfg.resume != "auto" and checkpoints_in(folder):
        raise ConfigError(f"run_dir={cfg.run_dir} holds the checkpoints of a run, which this one would overwrite: "
                          f"continue it with python train.py resume={cfg.run_dir}, or take another run_dir")
    if cfg.resume != "auto" or not last.is_file():
        return cfg, None
    saved = load_config(cfg.run_dir)
    move(saved, saved.run_dir, cfg.run_dir)
    before, now = _flat(saved), _flat(cfg)
    follows = ("system.epochs", "system.decay_epochs", "callbacks.preemption.resume")
    changes = {key: now.get(key) for key in before.keys() | now.keys()
               if before.get(key) != now.get(key) and key not in follows}
    if "epochs" in changes:
        changes["decay_epochs"] = cfg.decay_epochs
    apply_changes(saved, changes)
    return saved, last


def mark_finished(run_dir: str | Path, epochs: int) -> None:
    """Note in the run directory that this many epochs are trained."""
    partial = Path(run_dir) / f"{FINISHED}.partial"
    partial.write_text(f"{epochs}\n")
    os.replace(partial, Path(run_dir) / FINISHED)


def finished_before(cfg: DictConfig) -> bool:
    """Whether `resume=auto` meets a run that has trained its epochs already; says so where it does.

    A sweep that is started again passes over its finished jobs, even where a default has changed since.
    """
    mark = Path(cfg.run_dir) / FINISHED
    if cfg.resume != "auto" or not mark.is_file() or int(mark.read_text()) < cfg.epochs:
        return False
    print(f"finished already: {cfg.run_dir}", flush=True)
    return True


def apply_changes(cfg: DictConfig, changes: dict[str, Any]) -> None:
    """Change a run's configuration in place, as far as a resumed run allows it.

    A path that changes does so wherever it stands. Where `epochs` change and nothing is said of `decay_epochs`, these
    keep the recipe's share of the epochs if they had it. The first process says what becomes of the learning rates.

    Raises:
        ConfigError: names the keys that are refused and why.
    """
    changes = dict(changes)
    for key, value in list(changes.items()):
        present = OmegaConf.select(cfg, key)
        if is_place(key, present, value):
            move(cfg, present, value)
            OmegaConf.update(cfg, key, value)
            del changes[key]
    refused = [key for key in changes if not any(key == k or (k[-1] == "." and key.startswith(k)) for k in MAY_CHANGE)]
    if refused:
        raise ConfigError(
            f"a resumed run keeps its configuration: cannot change {', '.join(sorted(refused))} (the weights, the "
            f"optimizers and the order of the samples belong to it). It may change epochs, decay_epochs, matmul, "
            f"threads, trainer.*, logger.*, callbacks.checkpoints.*, data.num_workers, and where files lie "
            f"(dataset.root=DIR and other paths); for anything else start a new run, from its weights with "
            f"init_from=DIR"
        )
    for key in changes:
        if OmegaConf.select(cfg, key.rpartition(".")[0] or key) is None and key not in ("matmul", "resume", "threads"):
            raise ConfigError(f"{key}: there is no such key in {CONFIG} of the run")
    if {"epochs", "decay_epochs"} & changes.keys():
        _change_epochs(cfg, changes)
    for key, value in changes.items():
        OmegaConf.update(cfg, key, value, force_add=True)


def _change_epochs(cfg: DictConfig, changes: dict[str, Any]) -> None:
    """Complete changes of `epochs` and `decay_epochs` with what follows from them, and say what they come to."""
    recipe, before = cfg.dataset.recipe, (cfg.epochs, cfg.decay_epochs)
    epochs = changes.get("epochs", cfg.epochs)
    decay = changes.get("decay_epochs", cfg.decay_epochs)
    by_recipe = "decay_epochs" not in changes and decay == share_of_decay(recipe, cfg.epochs)
    if by_recipe or decay == "auto":
        decay = share_of_decay(recipe, epochs)
    changes |= {"epochs": epochs, "decay_epochs": decay, "system.epochs": epochs, "system.decay_epochs": decay}
    changes.setdefault("trainer.max_epochs", epochs)
    if is_first_process():
        print(f"epochs {before[0]} -> {epochs}, decay_epochs {before[1]} -> {decay}: the learning rates fall after "
              f"epoch {epochs - decay}", flush=True)


def _flat(cfg: DictConfig) -> dict[str, Any]:
    flat: dict[str, Any] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict) and node:
            for key, child in node.items():
                walk(child, f"{path}.{key}" if path else str(key))
        else:
            flat[path] = node

    walk(OmegaConf.to_container(cfg, resolve=True), "")
    return flat
