"""Starting a run: its directory, and building what trains."""

import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra.utils
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from semsynth.runs.ddp import is_first_process, tell_other_processes
from semsynth.runs.directory import CONFIG, METRICS
from semsynth.runs.searching import check_search


def set_run_dir(cfg: DictConfig) -> None:
    """Complete what follows from how the process was started, in place.

    In a sweep, put the run where Hydra puts the job, and group the jobs of the sweep. Under torchrun, `devices=auto`
    is as many processes as it has started on this machine.
    """
    hydra_cfg = HydraConfig.get()
    if in_sweep():
        OmegaConf.update(cfg, "run_dir", hydra_cfg.runtime.output_dir)
        if OmegaConf.select(cfg, "logger.wandb") is not None and cfg.logger.wandb.group is None:
            OmegaConf.update(cfg, "logger.wandb.group", Path(hydra_cfg.sweep.dir).name)
        check_search(cfg)
    here, all_processes = (int(os.environ.get(name, "1")) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    if all_processes > 1 and "LOCAL_RANK" in os.environ and cfg.trainer.devices == "auto":
        OmegaConf.update(cfg, "trainer.devices", here)
        OmegaConf.update(cfg, "trainer.num_nodes", all_processes // here)


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


def build(cfg: DictConfig) -> tuple[Any, Any, Any]:
    """Build the trainer with its callbacks and loggers, the system, and the loaders, in the random state of the seed.

    `metrics.csv` is written whatever logger is chosen.
    """
    from semsynth.metrics.data_sets import DataSets
    from semsynth.training.csv_metrics import CsvMetrics
    from semsynth.training.seeding import seed_all
    from semsynth.training.threads import TrainingThreads

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # not its tips and its summary of the flags
    seed_all("new networks", cfg.seed)
    system = hydra.utils.instantiate(cfg.system, _convert_="all")
    data = hydra.utils.instantiate(cfg.data, _convert_="all")
    make = partial(hydra.utils.instantiate, _convert_="all")
    facts = OmegaConf.to_container(cfg.dataset, resolve=True)
    besides = {"scores": {"data": DataSets(cast(dict[str, Any], facts), make), "size": tuple(cfg.size)}}
    callbacks = [TrainingThreads(cfg.get("threads", "auto"))]
    callbacks += [make(node, **besides.get(str(name), {})) for name, node in cfg.callbacks.items() if node]
    loggers = [logger for node in cfg.logger.values() if node and (logger := make(node)) is not None]
    if not any(isinstance(logger, CsvMetrics) for logger in loggers):
        loggers.append(CsvMetrics(str(Path(cfg.run_dir) / METRICS)))
    trainer = hydra.utils.instantiate(cfg.trainer, callbacks=callbacks, logger=loggers, _convert_="all")
    return trainer, system, data


def validation(config: Mapping[str, Any]) -> Any:
    """Build the validation split of a run's configuration, in plain values."""
    from torch.utils.data import Dataset

    split = hydra.utils.instantiate(config["dataset"]["val"], _convert_="all")
    return split if isinstance(split, Dataset) else split()


def save_config(cfg: DictConfig) -> Path:
    """Make the run directory and write the configuration, complete at any time; return the directory."""
    run_dir = Path(cfg.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    partial = run_dir / f"{CONFIG}.partial"
    OmegaConf.save(cfg, partial, resolve=True)
    os.replace(partial, run_dir / CONFIG)
    return run_dir
