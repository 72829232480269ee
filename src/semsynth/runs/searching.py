"""What a search over configurations optimizes: the metric that chooses a run's best checkpoint."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from semsynth.errors import ConfigError
from semsynth.runs.directory import METRICS, Run

DIRECTIONS = {"minimize": "min", "maximize": "max"}  # of a sweeper -> of callbacks.checkpoints


def best_value(run_dir: str | Path) -> float | None:
    """The best value of a run's `callbacks.checkpoints.monitor`, by its metrics.csv.

    Of several metrics the first that was logged counts.

    Returns:
        None where no metric is monitored or none of it was logged; NaN where it never was a number.

    Raises:
        ConfigError: it is no run directory.
    """
    metrics, better = _monitored(Run(run_dir).config)
    path = Path(run_dir) / METRICS
    if not metrics or not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for metric in metrics:
        values = [float(row[metric]) for row in rows if row.get(metric)]
        if values:
            return better((value for value in values if not math.isnan(value)), default=math.nan)
    return None


def check_search(cfg: DictConfig) -> None:
    """Check, in a sweep by a sweeper with a direction (Optuna's), that it optimizes what the run returns.

    Raises:
        ConfigError: nothing is monitored, or the direction is the other one.
    """
    direction = HydraConfig.get().sweeper.get("direction")
    if direction is None:
        return
    if not _monitored(cfg)[0]:
        raise ConfigError("the sweeper optimizes callbacks.checkpoints.monitor, which is null: choose a metric with "
                          "scores.monitor=score/KEY scores.mode=min or max")
    mode = cfg.callbacks.checkpoints.mode
    name = getattr(direction, "name", str(direction))
    if isinstance(direction, ListConfig) or DIRECTIONS.get(name) != mode:
        wanted = next(word for word, value in DIRECTIONS.items() if value == mode)
        raise ConfigError(f"hydra.sweeper.direction={name}: scores.mode={mode} says which way the monitored "
                          f"metric is better: set hydra.sweeper.direction={wanted}")


def _monitored(cfg: DictConfig) -> tuple[list[str], Callable[..., float]]:
    checkpoints = OmegaConf.select(cfg, "callbacks.checkpoints")
    if not checkpoints or not checkpoints.get("monitor"):
        return [], min
    monitor = checkpoints.monitor
    return [monitor] if isinstance(monitor, str) else list(monitor), min if checkpoints.mode == "min" else max
