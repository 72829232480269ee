"""Continuing a run, and what it may change then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from semsynth import config
from semsynth.config.defaults import share_of_decay
from semsynth.config.keys import check_kinds, names_file
from semsynth.errors import ConfigError
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import CHECKPOINTS, CONFIG, SUFFIXES, Run
from semsynth.runs.moving import check_written, is_place, move
from semsynth.signatures import near
from semsynth.spelling import resume_command

MAY_CHANGE = ("epochs", "decay_epochs", "matmul", "threads", "gpus", "nodes", "batch.device", "batch.accumulation",
              "trainer.", "logger.", "callbacks.checkpoints.", "data.num_workers", "resume")


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
    run = Run(run_dir, "last")
    cfg = run.whole()
    if run.checkpoint.suffix != SUFFIXES[0]:
        raise ConfigError(f"resume={run_dir}: this run was imported, there is no training to continue: start one from "
                          f"its weights with init_from={run_dir}")
    changes: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or argument.startswith("-"):
            raise ConfigError(f"resume={run_dir} takes key=value arguments besides, not {argument!r}")
        key = key.lstrip("+")  # as where a run begins: `+` adds a key, which this does by itself
        changes[key] = value if names_file(key, "train") else _typed(value)
    _check_typed(cfg, changes)
    move(cfg, cfg.run_dir, str(run_dir))  # it may have been moved since
    check_written(cfg, str(run_dir), changes)
    apply_changes(cfg, changes)
    return cfg


def _typed(value: str) -> Any:
    """A value as a run that begins reads it, by Hydra's grammar, and as it stands where it is none of that."""
    try:
        override = OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return value
    return value if override.is_sweep_override() else override.value() if value else None


def _check_typed(cfg: DictConfig, changes: dict[str, Any]) -> None:
    """Check that there are such keys, and that the values are what they take.

    Raises:
        ConfigError: names the key and what is near.
    """
    known = {key for path in _flat(cfg) for key in _and_above(path)}
    for key in changes:
        if key not in known and not any(k[-1] == "." and key.startswith(k) for k in MAY_CHANGE):
            raise ConfigError(f"{key}: there is no such key in the run's {CONFIG}{near(key, known)}")
    typed = OmegaConf.create()
    for key in filter(_may_change, changes):  # the others are refused by name
        OmegaConf.update(typed, key, changes[key], force_add=True)
    check_kinds(typed)


def _may_change(key: str) -> bool:
    return any(key == known or (known[-1] == "." and key.startswith(known)) for known in MAY_CHANGE)


def _and_above(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def check_stored_training(run_dir: str) -> None:
    """Say at once what is wrong with a training that would go on, where there is one.

    Raises:
        ConfigError: its configuration is damaged.
    """
    if any(Path(run_dir, CHECKPOINTS, f"{name}.ckpt").is_file() for name in ("last", "best")):
        _ = Run(run_dir).trained


def continue_where_possible(cfg: DictConfig) -> tuple[DictConfig, Path | None]:
    """With `resume=auto` the run's own configuration and its last checkpoint, or else its best, where there is one.

    Raises:
        ConfigError: this configuration differs from the run's in what cannot change; or `run_dir` holds the checkpoints
            of another run, and nothing says that it shall go on.
    """
    run = Run(cfg.run_dir)
    last, best = (run.path / CHECKPOINTS / f"{name}.ckpt" for name in ("last", "best"))
    if cfg.resume != "auto" and run.checkpoints:
        raise ConfigError(f"run_dir={cfg.run_dir} holds the checkpoints of a run, which this one would overwrite: "
                          f"continue it with `{resume_command(cfg.run_dir)}`, or take another run_dir")
    start = next((path for path in (last, best) if path.is_file()), None)  # a new training would write over `best`
    if cfg.resume != "auto" or start is None:
        return cfg, None
    if start is best and is_first_process():
        print(f"{last} is not there: goes on from {best.name} beside it", flush=True)
    saved = run.whole()
    move(saved, saved.run_dir, cfg.run_dir)
    before, now = _flat(saved), _flat(cfg)
    follows = ["system.epochs", "system.decay_epochs", "system.accumulate", "data.batch", "callbacks.preemption.resume"]
    if config.processes(saved) != config.processes(cfg):
        follows += ["batch.device", "batch.accumulation"]
    changes = {key: now.get(key) for key in before.keys() | now.keys()
               if before.get(key) != now.get(key) and key not in follows}
    if "epochs" in changes:
        changes["decay_epochs"] = cfg.decay_epochs
    apply_changes(saved, changes, ready=True)
    return saved, start


def finished_before(cfg: DictConfig) -> bool:
    """Whether `resume=auto` meets a run that has trained its epochs already; says so where it does.

    A sweep that is started again passes over its finished jobs, even where a default has changed since.
    """
    if cfg.resume != "auto" or Run(cfg.run_dir).finished < cfg.epochs:
        return False
    print(f"finished already: {cfg.run_dir}", flush=True)
    return True


def apply_changes(cfg: DictConfig, changes: dict[str, Any], ready: bool = False) -> None:
    """Change a run's configuration in place, as far as a resumed run allows it.

    A path that changes does so wherever it stands. Where `epochs` change and nothing is said of `decay_epochs`, these
    keep the recipe's share of the epochs if they had it. The first process says what becomes of the learning rates.
    Other processes than before, of `gpus`, `nodes` or of who started them, share the total of the batch anew.

    Args:
        cfg: The run's configuration.
        changes: Keys and values.
        ready: Whether the changes are those of a complete configuration, in which all agree.

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
    refused = [key for key in changes if not _may_change(key)]
    if refused:
        raise ConfigError(
            f"a resumed run keeps its configuration: cannot change {', '.join(sorted(refused))} (the weights, the "
            f"optimizers and the order of the samples belong to it). It may change epochs, decay_epochs, matmul, "
            f"threads, gpus, nodes, batch.device (of the same batch.total), trainer.*, logger.*, "
            f"callbacks.checkpoints.*, data.num_workers, and where files lie (dataset.root=DIR and other paths); for "
            f"anything else start a new run, from its weights with init_from=DIR"
        )
    for key in changes:
        if "." in key and OmegaConf.select(cfg, key.rpartition(".")[0]) is None:
            raise ConfigError(f"{key}: there is no such key in {CONFIG} of the run")
    if {"epochs", "decay_epochs"} & changes.keys():
        _change_epochs(cfg, changes)
    trains = {"trainer", "batch", "data", "system"} <= {*cfg}  # else it is refused where training begins
    before = config.processes(cfg) if trains else 1
    for key, value in changes.items():
        OmegaConf.update(cfg, key, value, force_add=True)
    if trains:
        _change_processes(cfg, before, {*changes}, ready)


def _change_processes(cfg: DictConfig, before: int, changed: set[str], ready: bool) -> None:
    """Let trainer and batch follow `gpus` and `nodes`, or the processes that were started."""
    if not ready:
        for key, place in (("gpus", "devices"), ("nodes", "num_nodes")):
            if key in changed:
                cfg.trainer[place] = cfg[key] or 1
        config.take_started(cfg, bool({"gpus", "trainer.devices"} & changed),
                            bool({"nodes", "trainer.num_nodes"} & changed))
    config.share_again(cfg, before, changed)


def _change_epochs(cfg: DictConfig, changes: dict[str, Any]) -> None:
    """Complete changes of `epochs` and `decay_epochs` with what follows from them, and say what they come to."""
    recipe, before = cfg.recipe, (cfg.epochs, cfg.decay_epochs)
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
