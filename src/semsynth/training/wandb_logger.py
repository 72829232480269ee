"""What a training sends to its Weights & Biases run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

if TYPE_CHECKING:  # where it is not installed, nothing else is missing
    from wandb.sdk.wandb_run import Run

BEST = "score/best"
DISTANCES = ("fid", "frechet", "kid")  # first words of scores of which less is better
STEP = "trainer/global_step"
SAMPLES = "panels/samples"


class RunLogger(WandbLogger):
    """Lightning's logger with axes, summaries, a table of samples, and checkpoints as artifacts.

    - Scores are drawn over `epoch`, all else over `trainer/global_step`, the batches; both count from 0.
    - The summary of `score/KEY` holds its last value and its best: `score/fid/train.min`, `score/miou.max`.
      `score/best` is the best value of the metric that chooses `best.ckpt`, a plain number: what a sweep may optimize.
    - A checkpoint becomes an artifact `model-ID:last` or `model-ID:best` when training ends. What is written between,
      up to gigabytes at a time, is replaced by then, and a run that is stopped is resumed from its directory.

    Args:
        run: The run of W&B, as `wandb.init` returns it.
        artifacts: Which checkpoints become artifacts: `best`, `last`.
    """

    def __init__(self, run: Run, artifacts: Sequence[str] = ()) -> None:
        super().__init__(experiment=run)
        self.artifacts = tuple(artifacts)
        self._defined: set[str] = set()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log a row, after the axes and summaries of keys that are new.

        Each key is defined by its name: where patterns of `define_metric` overlap, which one holds is not said.
        """
        for key in metrics.keys() - self._defined - {"epoch", STEP}:
            axis = "epoch" if key.startswith("score/") else STEP
            self.experiment.define_metric(key, step_metric=axis, summary=_summary(key))
        self._defined |= metrics.keys()
        super().log_metrics(metrics, step)

    @rank_zero_only
    def log_best(self, metric: str, value: float, epoch: int) -> None:
        """Log that `metric`, which chooses `best.ckpt`, has a new best value, at an epoch from 0 on."""
        self.log_metrics({BEST: value, "epoch": epoch})
        self.experiment.summary.update({"best/metric": metric, "best/epoch": epoch})

    @rank_zero_only
    def log_samples(self, columns: Sequence[str], rows: Sequence[Sequence[str | np.ndarray]]) -> None:
        """Log a table of words and of images (H,W,3) uint8."""
        import wandb

        cells = [[wandb.Image(cell) if isinstance(cell, np.ndarray) else cell for cell in row] for row in rows]
        self.log_metrics({SAMPLES: wandb.Table(columns=list(columns), data=cells)})

    @rank_zero_only
    def log_checkpoint(self, path: Path, facts: Mapping[str, object]) -> None:
        """Upload a checkpoint where it is asked for; `facts` become the artifact's metadata."""
        import wandb

        if path.stem in self.artifacts:
            run = self.experiment
            artifact = wandb.Artifact(f"model-{run.id}", "model", metadata={"run": run.name, **facts})
            artifact.add_file(str(path), policy="immutable")  # no copy: it lies where it stays
            run.log_artifact(artifact, aliases=[path.stem])


def _summary(key: str) -> str | None:
    """What W&B's summary keeps of a metric, as `define_metric` takes it; None: the last value, as it is."""
    if not key.startswith("score/") or key == BEST:
        return None
    return "min,last" if key.split("/")[1] in DISTANCES else "max,last"
