"""Time of a training iteration of several settings, measured in turns: machines that are shared change their speed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch

WARM = 4  # first batches of a round, which do not count


class _Clock(pl.Callback):
    """CPU seconds of this process at the start of every batch."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_start(self, *_: Any) -> None:
        """Read the clock."""
        self.times.append(time.process_time())


def iteration_seconds(parts: Mapping[str, tuple[pl.LightningModule, Any]], batches: int = 24, rounds: int = 4
                      ) -> dict[str, float]:
    """CPU seconds of an iteration of each system on one thread: those of several count the time that they wait.

    Args:
        parts: Name -> system and loaders, as `semsynth.runs.build` makes them. The systems are trained by this.
        batches: Iterations in a round of one system, the first four not counted.
        rounds: Rounds of all systems, one after the other.

    Returns:
        Name -> median over all counted iterations.

    Raises:
        ValueError: a round has no iteration that counts.
    """
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(rounds):
            for name, (system, data) in parts.items():
                times = _round(system, data, batches)
                seconds[name] += [b - a for a, b in zip(times[WARM:], times[WARM + 1:], strict=False)]
    finally:
        torch.set_num_threads(threads)
    if not all(seconds.values()):
        raise ValueError(f"a round has {WARM + 1} iterations or fewer, of which none counts: give a longer set")
    return {name: median(values) for name, values in seconds.items()}


def _round(system: pl.LightningModule, data: Any, batches: int) -> list[float]:
    """Times at which the batches of a short training began."""
    clock = _Clock()
    trainer = pl.Trainer(
        max_epochs=1, limit_train_batches=batches + 1, limit_val_batches=0, logger=False, accelerator="cpu",
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[clock])
    with warnings.catch_warnings():  # Lightning 2.6 causes this one in itself with current PyTorch
        warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
        trainer.fit(system, datamodule=data)
    return clock.times
