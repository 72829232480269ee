"""The batch of a training: samples of an optimizer step in all, on each device at a time, and how often before a step.
"""

from __future__ import annotations

from collections.abc import Container

from omegaconf import DictConfig, OmegaConf

from semsynth.config.processes import DDP, processes, strategy
from semsynth.errors import ConfigError


def complete_batch(cfg: DictConfig) -> None:
    """Set `batch` to numbers that agree, in place: `total` = `device` x `accumulation` x the processes.

    `batch=4` is a node {device: 4, accumulation: 1}. What is null follows from the rest: `total` is the recipe's
    unless both others are given, `accumulation` is 1 unless `device` or `total` asks for more.

    Raises:
        ConfigError: the processes cannot share the total evenly, or three numbers disagree; says what to set.
    """
    given = typed(cfg)
    recipe = OmegaConf.select(cfg, "recipe.batch")
    total, device, accumulation = split(processes=processes(cfg), usual=recipe, **given)
    cfg.batch = {"total": total, "device": device, "accumulation": accumulation}


def typed(cfg: DictConfig) -> dict[str, int | None]:
    """What `batch` says: `total`, `device` and `accumulation`, null where it follows."""
    node = cfg.batch if isinstance(cfg.batch, DictConfig) else {"device": cfg.batch, "accumulation": 1}
    return {key: node.get(key) for key in ("total", "device", "accumulation")}


def split(total: int | None, device: int | None, accumulation: int | None, *, processes: int,
          usual: int | None = None) -> tuple[int, int, int]:
    """The three numbers of a batch, from those that are given.

    >>> split(32, None, None, processes=8), split(32, 4, None, processes=2), split(None, 4, 1, processes=8)
    ((32, 4, 1), (32, 4, 4), (32, 4, 1))

    Args:
        total: Samples of an optimizer step, on all devices together; None: follows.
        device: Samples on a device at a time; None: follows.
        accumulation: Batches of a device before an optimizer step; None: follows.
        processes: Those that share the total.
        usual: The total where nothing else says it.

    Raises:
        ConfigError: they cannot be; says what can.
    """
    if total is None and device and accumulation:
        return device * accumulation * processes, device, accumulation
    whole = total or usual
    if whole is None:
        raise ConfigError("batch: give batch.total, or batch.device and batch.accumulation")
    unit = processes * (device or 1) * (accumulation or 1)
    if whole % unit or (device and accumulation and whole != unit):
        parts = [f"{processes} devices"] if processes > 1 else []
        given = {"batch.device": device, "batch.accumulation": accumulation}
        parts += [f"{key}={value}" for key, value in given.items() if value]
        said = f"batch.total={whole}" if total else f"the recipe's batch of {whole}"
        near = sorted({max(1, whole // unit) * unit, (whole // unit + 1) * unit} - {whole})
        ways = [unit] if device and accumulation else near
        raise ConfigError(f"{said} is no multiple of {' x '.join(parts)}: set "
                          f"{' or '.join(f'batch.total={way}' for way in ways)}")
    rest = whole // unit
    return whole, device or rest, accumulation or (rest if device else 1)


def share_again(cfg: DictConfig, before: int, given: Container[str]) -> None:
    """Let what follows the number of processes follow it, in place, in a configuration that is complete.

    The total stays. Among another number of processes than before a device gets no more samples than it had, so that
    they fit its memory.

    Args:
        cfg: The configuration.
        before: Processes that it was completed for.
        given: Keys that have been changed.

    Raises:
        ConfigError: the processes cannot share the total evenly.
    """
    now, batch = processes(cfg), cfg.batch
    if batch.total % now:
        raise ConfigError(f"{now} processes cannot share the run's batch.total={batch.total} evenly: take as many as "
                          f"divide it")
    kept = {key: batch[key] if f"batch.{key}" in given else None for key in ("device", "accumulation")}
    if now != before and not any(kept.values()):
        share = split(batch.total, None, None, processes=now)[1]
        kept["device"] = max(size for size in range(1, batch.device + 1) if share % size == 0)
    if any(kept.values()):
        total, device, accumulation = split(batch.total, **kept, processes=now)
        cfg.batch = {"total": total, "device": device, "accumulation": accumulation}
    cfg.data.batch, cfg.system.accumulate = cfg.batch.device, cfg.batch.accumulation
    if cfg.trainer.strategy in ("auto", DDP):
        cfg.trainer.strategy = strategy(cfg.trainer.devices, cfg.trainer.num_nodes)
