"""Training a run: from its beginning, from a checkpoint, and as one of its other processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from semsynth import config
from semsynth.errors import CheckpointError
from semsynth.runs.building import build, in_sweep, open_run, set_run_dir
from semsynth.runs.claiming import claimed
from semsynth.runs.ddp import check_other_nodes, handed_over_by_rank_zero
from semsynth.runs.directory import GRIDS, Run
from semsynth.runs.init_from import inherit, warm_start
from semsynth.runs.resuming import (
    asked_to_resume,
    check_stored_training,
    continue_where_possible,
    finished_before,
    resumed,
)
from semsynth.runs.searching import best_value
from semsynth.runs.slurm import name_job
from semsynth.runs.stopping import stoppable


def start_training(cfg: DictConfig) -> float | None:
    """Complete and check what was composed, and train; with `resume=auto` go on where the run was.

    Returns:
        The best value of the metric that chooses `best.ckpt`, for sweepers; None where no metric does.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    set_run_dir(cfg)
    cfg = inherit(cfg)
    if not finished_before(cfg):
        name_job()
        config.check_values(cfg)
        config.check_sources(cfg)
        with stoppable(cfg), claimed(cfg):
            if cfg.resume == "auto":
                check_stored_training(cfg.run_dir)
            train(*continue_where_possible(config.prepare(cfg)))
    return best_value(cfg.run_dir)


def resume_training(arguments: list[str]) -> bool:
    """Serve as another process of a run, or go on as `resume=DIR` says; return whether either was asked for.

    Raises:
        ConfigError: no such run, or changes that it refuses.
    """
    told = handed_over_by_rank_zero()
    if told is not None:
        train(*told)
        return True
    asked = asked_to_resume(arguments)
    if asked is not None:
        check_stored_training(asked[0])
        cfg = resumed(*asked)
        with stoppable(cfg), claimed(cfg, known=True):
            config.check(cfg)
            train(cfg, Run(cfg.run_dir, "last").checkpoint)
    return asked is not None


@contextmanager
def taken_up(trainer: Any, checkpoint: Path | None) -> Iterator[None]:
    """Say of a checkpoint that it cannot be gone on from, where anything fails before the first batch.

    Raises:
        CheckpointError: so it is; names the file and another one of the run that can serve.
    """
    if checkpoint is None:
        yield
        return
    from semsynth.training.launch import covered_by
    from semsynth.training.restored import Restored
    from semsynth.weights.run_file import instead

    restored = Restored()
    trainer.callbacks.append(restored)
    try:
        yield
    except Exception as error:  # whatever states that are cut off or changed make Lightning and torch raise
        told = not isinstance(covered_by(error), CheckpointError | None)
        if restored.fine or told or isinstance(error, MemoryError | OSError):
            raise
        reason = str(error).splitlines()[0][:200] if str(error) else ""
        kind = "" if isinstance(error, CheckpointError) else f"{type(error).__name__}: "
        raise CheckpointError(f"{checkpoint} holds weights, but no training that could go on ({kind}{reason}): "
                              f"init_from={checkpoint} begins a new one with them{instead(checkpoint)}") from error


def train(cfg: DictConfig, checkpoint: Path | None) -> None:
    """Train with a checked configuration, from the beginning or from a checkpoint."""
    from semsynth.training import launch
    from semsynth.weights.run_file import read_weights

    with launch.report_failures(cfg.run_dir, reraise=in_sweep()):
        if checkpoint is not None:
            read_weights(checkpoint).check()
        run_dir = open_run(cfg, checkpoint)
        trainer, system, data = build(cfg)
        check_other_nodes(trainer)
        if checkpoint is None:
            warm_start(system, cfg)
        with taken_up(trainer, checkpoint):
            launch.fit(trainer, system, data, checkpoint, cfg.matmul)
        if trainer.is_global_zero and launch.finished(trainer, cfg.epochs):
            Run(run_dir).finish(cfg.epochs)
        launch.report(trainer, run_dir / GRIDS)
