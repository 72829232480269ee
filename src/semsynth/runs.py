"""The run directory: what training leaves, and rebuilding from it.

run_dir/
  config.yaml            the resolved configuration
  checkpoints/last.ckpt  and best.ckpt where a metric is monitored; *.safetensors where weights came from elsewhere
  metrics.csv  grids/*.png
  finished               the number of epochs, once they are trained
  wandb/  wandb.json     with logger=wandb
"""

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra.utils
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from semsynth.signatures import ConfigError

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
SUFFIXES = (".ckpt", ".safetensors")
GRIDS = "grids"
METRICS = "metrics.csv"
FINISHED = "finished"

# How the first process tells the others of its node where they belong.
RUN_VARIABLE = "SEMSYNTH_RUN_DIR"
CHECKPOINT_VARIABLE = "SEMSYNTH_CHECKPOINT"

MAY_CHANGE = ("epochs", "decay_epochs", "trainer.", "logger.", "callbacks.checkpoints.", "data.num_workers", "resume")


# ---- reading


def load_config(run_dir: str | Path) -> DictConfig:
    """The resolved configuration of a run.

    Raises:
        ConfigError: the directory holds none.
    """
    path = Path(run_dir) / CONFIG
    if not path.is_file():
        what = "there is no such directory" if not Path(run_dir).is_dir() else f"it holds no {CONFIG}"
        raise ConfigError(f"{run_dir} is no run directory: {what}")
    loaded = OmegaConf.load(path)
    assert isinstance(loaded, DictConfig)
    return loaded


def find_checkpoint(run_dir: str | Path, checkpoint: str = "last") -> Path:
    """The path of a run's checkpoint: `last`, `best`, or a path (as it is, or below the run directory).

    `last` and `best` are files of the training (`.ckpt`) or, without one, files of weights (`.safetensors`).

    Raises:
        ConfigError: there is no such file; says which there are.
    """
    folder = Path(run_dir) / CHECKPOINTS
    candidates = [folder / f"{checkpoint}{s}" for s in SUFFIXES] if checkpoint in ("last", "best") else []
    candidates += [Path(checkpoint), Path(run_dir) / checkpoint, folder / checkpoint]
    for path in candidates:
        if path.is_file():
            return path
    there = ", ".join(sorted({path.stem for path in _checkpoints(folder)})) or "none yet"
    raise ConfigError(f"checkpoint={checkpoint}: no such checkpoint in {folder} (there are: {there})")


def _checkpoints(folder: Path) -> list[Path]:
    return [path for suffix in SUFFIXES for path in folder.glob(f"*{suffix}")]


def load_weights(path: str | Path, part: str, weights: str = "auto") -> Any:
    """The state dict of a part in a checkpoint, `.ckpt` or `.safetensors`; None where it holds nothing of it.

    Args:
        path: The file, see `find_checkpoint`.
        part: `generator`, `discriminator` or `encoder`.
        weights: See `load_generator`.

    Raises:
        ConfigError: no such file or not of a run, or no moving average in it.
    """
    from semsynth.weights import read_weights

    return read_weights(path).part(part, weights)


def load_generator(run_dir: str | Path, checkpoint: str = "last", weights: str = "auto") -> tuple[Any, Any, DictConfig]:
    """Rebuild a run's generator, and its encoder (None where it has no weights), in evaluation mode on the CPU.

    Args:
        run_dir: The run directory.
        checkpoint: See `find_checkpoint`.
        weights: `raw`: the weights that were trained; `ema`: their moving average; `auto`: the average where there
            is one.

    Returns:
        generator, encoder or None, configuration.

    Raises:
        ConfigError: no run, no checkpoint, or no moving average in it.
    """
    from semsynth.weights import read_weights

    if weights not in ("auto", "ema", "raw"):
        raise ConfigError(f"weights={weights} must be ema, raw or auto")
    cfg = load_config(run_dir)
    saved = read_weights(find_checkpoint(run_dir, checkpoint))
    networks = []
    for part in ("generator", "encoder"):
        state = saved.part(part, weights)
        network = None if state is None else hydra.utils.instantiate(cfg[part], _convert_="all")
        if network is not None:
            network.load_state_dict(state)
            network.eval()
        elif part == "generator":
            raise ConfigError(f"{saved.path} holds no generator")
        networks.append(network)
    return networks[0], networks[1], cfg


# ---- weights from elsewhere


def inherit(cfg: DictConfig) -> DictConfig:
    """With `init_from`, take over the data set, size and networks of that run where the command line says nothing else.

    Raises:
        ConfigError: there is no such run, or it has no weights yet.
    """
    if not cfg.get("init_from"):
        return cfg
    from semsynth.checkpoints.inherit import inherited

    run_dir, _ = _begin_with(cfg.init_from)
    saved: Any = OmegaConf.to_container(load_config(run_dir), resolve=True)
    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    plain: Any = inherited(cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False)), saved, given)
    if isinstance(plain["run_dir"], str):  # the chosen norm says nothing here
        plain["run_dir"] = plain["run_dir"].replace("${hydra:runtime.choices.norm}", f"from_{run_dir.resolve().name}")
    return cast(DictConfig, OmegaConf.create(plain))


def warm_start(system: Any, cfg: DictConfig) -> None:
    """Give a system's networks the weights of the run that `init_from` names; the first process says which.

    What that run has no weights of, or has of another shape, starts afresh; the generator must fit.

    Raises:
        ConfigError: the generator is another network.
    """
    if not cfg.get("init_from"):
        return
    from semsynth.checkpoints.warm import Inputs, warm_up

    run_dir, path = _begin_with(cfg.init_from)
    before, now = (Inputs(list(data.classes), bool(data.edges)) for data in (load_config(run_dir).dataset, cfg.dataset))
    lines = warm_up(system, path, before, now)
    if _is_first_process():
        print(*lines, sep="\n", flush=True)


def _begin_with(init_from: str) -> tuple[Path, Path]:
    """The run and the checkpoint of `init_from`, a run directory or a file in its `checkpoints`."""
    path = Path(init_from)
    if path.is_file():
        return path.parents[1], path
    return path, find_checkpoint(path) if (path / CONFIG).is_file() else path


def refuse_used(run_dir: str | Path) -> None:
    """Raise a ConfigError where the directory of a new run holds something."""
    if Path(run_dir).exists() and (not Path(run_dir).is_dir() or any(Path(run_dir).iterdir())):
        raise ConfigError(f"output={run_dir} exists and is not empty: take another directory")


def fresh_state(cfg: DictConfig, part: str) -> dict[str, Any]:
    """The state dict of a network as it starts."""
    network = hydra.utils.instantiate(cfg[part], _convert_="all")
    return {} if network is None else network.state_dict()


def save_imported(cfg: DictConfig, parts: dict[str, dict[str, Any]], record: dict[str, Any]) -> Path:
    """Make a run directory of weights that come from elsewhere; `record` says from where. Returns the directory."""
    from semsynth.weights import save_weights

    run_dir = Path(cfg.run_dir)
    save_weights(run_dir / CHECKPOINTS / "last.safetensors", parts, imported=record)
    return save_config(cast(DictConfig, OmegaConf.merge(cfg, {"import": record})))


# ---- starting and continuing


def settle(cfg: DictConfig) -> None:
    """In a sweep, put the run where Hydra puts the job, and group the jobs of the sweep. Changes `cfg` in place."""
    hydra_cfg = HydraConfig.get()
    if in_sweep():
        OmegaConf.update(cfg, "run_dir", hydra_cfg.runtime.output_dir)
        if "group" in cfg.logger and cfg.logger.group is None:
            OmegaConf.update(cfg, "logger.group", Path(hydra_cfg.sweep.dir).name)


def in_sweep() -> bool:
    """Whether this is a job of a Hydra multirun."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def open_run(cfg: DictConfig, checkpoint: Path | None) -> Path:
    """Make the run directory, keep the configuration in it and announce it; the first process only does so."""
    if _is_first_process():
        run_dir = save_config(cfg)
        tell_other_processes(run_dir, checkpoint)
        print(f"run directory: {run_dir}", flush=True)
    return Path(cfg.run_dir)


def _is_first_process() -> bool:
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "RANK", "SLURM_PROCID"))


def build(cfg: DictConfig) -> tuple[Any, Any, Any]:
    """Build the trainer with its callbacks and loggers, the system, and the loaders, in the random state of the seed.

    `metrics.csv` is written whatever logger is chosen.
    """
    from semsynth.evaluation.data_sets import DataSets
    from semsynth.training.csv_metrics import CsvMetrics
    from semsynth.training.seeding import seed_all

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # not its tips and its summary of the flags
    seed_all(cfg.seed)
    system = hydra.utils.instantiate(cfg.system, _convert_="all")
    data = hydra.utils.instantiate(cfg.data, _convert_="all")
    make = partial(hydra.utils.instantiate, _convert_="all")
    facts = OmegaConf.to_container(cfg.dataset, resolve=True)
    besides = {"scores": {"data": DataSets(cast(dict[str, Any], facts), make), "size": tuple(cfg.size)}}
    callbacks = [make(node, **besides.get(str(name), {})) for name, node in cfg.callbacks.items() if node]
    loggers = [logger for logger in [hydra.utils.instantiate(cfg.logger, _convert_="all")] if logger is not None]
    if not any(isinstance(logger, CsvMetrics) for logger in loggers):
        loggers.append(CsvMetrics(str(Path(cfg.run_dir) / METRICS)))
    trainer = hydra.utils.instantiate(cfg.trainer, callbacks=callbacks, logger=loggers, _convert_="all")
    return trainer, system, data


def build_supervised(cfg: DictConfig) -> tuple[Any, Any, Any]:
    """Build what a tool needs to train one network on known answers: trainer with callbacks, system and loaders."""
    from semsynth.training.seeding import seed_all

    seed_all(cfg.seed)
    system = hydra.utils.instantiate(cfg.system, _convert_="all")
    data = hydra.utils.instantiate(cfg.data, _convert_="all")
    callbacks = [hydra.utils.instantiate(node, _convert_="all") for node in cfg.callbacks.values() if node]
    return hydra.utils.instantiate(cfg.trainer, callbacks=callbacks, _convert_="all"), system, data


def save_config(cfg: DictConfig) -> Path:
    """Make the run directory and write the configuration, complete at any time; return the directory."""
    run_dir = Path(cfg.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    partial = run_dir / f"{CONFIG}.partial"
    OmegaConf.save(cfg, partial, resolve=True)
    os.replace(partial, run_dir / CONFIG)
    return run_dir


def asked_to_resume(arguments: Sequence[str]) -> tuple[str, list[str]] | None:
    """The directory of a `resume=DIR` argument and the other arguments; None for another `resume` or none."""
    for argument in arguments:
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
    apply_changes(cfg, changes)
    OmegaConf.update(cfg, "run_dir", str(run_dir))
    return cfg


def continue_where_possible(cfg: DictConfig) -> tuple[DictConfig, Path | None]:
    """With `resume=auto` the run's own configuration and its last checkpoint, where `run_dir` holds one.

    Raises:
        ConfigError: this configuration differs from the run's in what cannot change; or `run_dir` holds the checkpoints
            of another run, and nothing says that it shall go on.
    """
    folder = Path(cfg.run_dir) / CHECKPOINTS
    last = folder / "last.ckpt"
    if cfg.resume != "auto" and _checkpoints(folder):
        raise ConfigError(f"run_dir={cfg.run_dir} holds the checkpoints of a run, which this one would overwrite: "
                          f"continue it with python train.py resume={cfg.run_dir}, or take another run_dir")
    if cfg.resume != "auto" or not last.is_file():
        return cfg, None
    saved = load_config(cfg.run_dir)
    before, now = _flat(saved), _flat(cfg)
    follows = ("system.epochs", "system.decay_epochs", "callbacks.preemption.resume")
    changes = {key: now.get(key) for key in before.keys() | now.keys()
               if before.get(key) != now.get(key) and key not in follows}
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

    Raises:
        ConfigError: names the keys that are refused and why.
    """
    refused = [key for key in changes if not any(key == k or (k[-1] == "." and key.startswith(k)) for k in MAY_CHANGE)]
    if refused:
        raise ConfigError(
            f"a resumed run keeps its configuration: cannot change {', '.join(sorted(refused))} (the weights, the "
            f"optimizers and the order of the samples belong to it). It may change epochs, decay_epochs, trainer.*, "
            f"logger.*, callbacks.checkpoints.* and data.num_workers; for anything else start a new run"
        )
    for key, value in changes.items():
        if OmegaConf.select(cfg, key.rpartition(".")[0] or key) is None and key != "resume":
            raise ConfigError(f"{key}: there is no such key in {CONFIG} of the run")
        OmegaConf.update(cfg, key, value, force_add=True)
    for key in ("epochs", "decay_epochs"):
        if key in changes:
            OmegaConf.update(cfg, f"system.{key}", changes[key])
    if "epochs" in changes and "trainer.max_epochs" not in changes:
        OmegaConf.update(cfg, "trainer.max_epochs", changes["epochs"])


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


# ---- the other processes of a node


def told_by_first_process() -> tuple[DictConfig, Path | None] | None:
    """Configuration and checkpoint where this process was started by the first one of its node; None otherwise."""
    run_dir = os.environ.get(RUN_VARIABLE)
    if run_dir is None or os.environ.get("LOCAL_RANK", "0") == "0":
        return None
    checkpoint = os.environ.get(CHECKPOINT_VARIABLE)
    return load_config(run_dir), Path(checkpoint) if checkpoint else None


def tell_other_processes(run_dir: Path, checkpoint: Path | None) -> None:
    """Hand the run directory to the processes that the trainer will start: they compose nothing themselves.

    Lightning starts them with the same command line. In a sweep that would be the whole sweep once more.
    """
    os.environ[RUN_VARIABLE] = str(run_dir.resolve())
    os.environ.pop(CHECKPOINT_VARIABLE, None)
    if checkpoint is not None:
        os.environ[CHECKPOINT_VARIABLE] = str(checkpoint.resolve())
