"""Starting a run: its directory, and building what trains."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra.utils
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from semsynth.buildable import check_stored
from semsynth.runs.ddp import is_first_process, tell_other_processes
from semsynth.runs.directory import CONFIG, METRICS, PROGRESS
from semsynth.runs.facts import check_facts
from semsynth.runs.searching import check_search
from semsynth.weights.files import write_text


def set_run_dir(cfg: DictConfig) -> None:
    """In a sweep, put the run where Hydra puts the job, and group the jobs of the sweep, in place."""
    hydra_cfg = HydraConfig.get()
    if in_sweep():
        OmegaConf.update(cfg, "run_dir", hydra_cfg.runtime.output_dir)
        if OmegaConf.select(cfg, "logger.wandb") is not None and cfg.logger.wandb.group is None:
            OmegaConf.update(cfg, "logger.wandb.group", Path(hydra_cfg.sweep.dir).name)
        check_search(cfg)


def in_sweep() -> bool:
    """Whether this is a job of a Hydra multirun."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def open_run(cfg: DictConfig, checkpoint: Path | None) -> Path:
    """Make the run directory, keep the configuration in it and announce it; the first process only does so."""
    if is_first_process():
        run_dir = save_config(cfg)
        tell_other_processes(run_dir, checkpoint)
        print(f"run directory: {run_dir}", flush=True)
    return Path(cfg.run_dir)


def build_data(cfg: DictConfig) -> Any:
    """Build the loaders; the first process reads some files of the data, as `DataModule.check_files` does.

    Raises:
        DataError: the files are not what their reader expects.
    """
    from semsynth.training.system import ChecksFiles

    data = hydra.utils.instantiate(cfg.data, _convert_="all")
    if is_first_process() and isinstance(data, ChecksFiles):
        data.check_files()
    return data


def build(cfg: DictConfig) -> tuple[Any, Any, Any]:
    """Build the trainer with its callbacks and loggers, the system, and the loaders, in the random state of the seed.

    `metrics.csv` and `progress.json` are written whatever logger is chosen.

    Raises:
        DataError: the files are not what their reader expects; told before networks are built and a logger starts.
    """
    from semsynth.metrics.data_sets import DataSets
    from semsynth.training.csv_metrics import CsvMetrics, Rows
    from semsynth.training.device_memory import DeviceMemory
    from semsynth.training.seeding import seed_all
    from semsynth.training.standing import Standing
    from semsynth.training.threads import TrainingThreads

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # not its tips and its summary of the flags
    data = build_data(cfg)
    seed_all("new networks", cfg.seed)
    system = hydra.utils.instantiate(cfg.system, _convert_="all")
    make = partial(hydra.utils.instantiate, _convert_="all")
    facts = OmegaConf.to_container(cfg.dataset, resolve=True)
    besides = {"scores": {"data": DataSets(cast(dict[str, Any], facts), make), "size": tuple(cfg.size)}}
    callbacks: list[Any] = [TrainingThreads(cfg.threads)]
    callbacks += [make(node, **besides.get(str(name), {})) for name, node in cfg.callbacks.items() if node]
    loggers = [logger for node in cfg.logger.values() if node and (logger := make(node)) is not None]
    if not any(isinstance(logger, CsvMetrics) for logger in loggers):
        loggers.append(CsvMetrics(str(Path(cfg.run_dir) / METRICS)))
    callbacks += [Rows(logger) for logger in loggers if isinstance(logger, CsvMetrics)]
    callbacks += [Standing(Path(cfg.run_dir) / PROGRESS), DeviceMemory()]
    trainer = hydra.utils.instantiate(cfg.trainer, callbacks=callbacks, logger=loggers, _convert_="all")
    return trainer, system, data


def validation(config: Mapping[str, Any]) -> Any:
    """Build the validation split of a run's configuration, in plain values."""
    from torch.utils.data import Dataset

    split = hydra.utils.instantiate(config["dataset"]["val"], _convert_="all")
    return split if isinstance(split, Dataset) else split()


def save_config(cfg: DictConfig) -> Path:
    """Make the run directory and write the configuration, complete at any time; return the directory.

    Raises:
        ConfigError: `Run` would refuse to read it, so that nothing could be done with what is made.
    """
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_stored(plain)
    check_facts(plain)
    return write_text(Path(cfg.run_dir) / CONFIG, OmegaConf.to_yaml(cfg, resolve=True)).parent
