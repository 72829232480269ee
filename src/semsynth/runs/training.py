"""Training a run: from its beginning, from a checkpoint, and as one of its other processes."""

from pathlib import Path

from omegaconf import DictConfig

from semsynth import config
from semsynth.runs.building import build, in_sweep, open_run, set_run_dir
from semsynth.runs.claiming import claimed
from semsynth.runs.ddp import handed_over_by_rank_zero
from semsynth.runs.directory import GRIDS, check_checkpoint, find_checkpoint
from semsynth.runs.init_from import inherit, warm_start
from semsynth.runs.resuming import asked_to_resume, continue_where_possible, finished_before, mark_finished, resumed
from semsynth.runs.searching import best_value


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
        with claimed(cfg):
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
        cfg = resumed(*asked)
        with claimed(cfg, known=True):
            config.check(cfg)
            train(cfg, find_checkpoint(cfg.run_dir))
    return asked is not None


def train(cfg: DictConfig, checkpoint: Path | None) -> None:
    """Train with a checked configuration, from the beginning or from a checkpoint."""
    from semsynth.training import launch

    with launch.report_failures(cfg.run_dir, reraise=in_sweep()):
        if checkpoint is not None:
            check_checkpoint(checkpoint)
        run_dir = open_run(cfg, checkpoint)
        trainer, system, data = build(cfg)
        if checkpoint is None:
            warm_start(system, cfg)
        launch.fit(trainer, system, data, checkpoint, cfg.get("matmul", "highest"))  # runs from before have no such key
        if trainer.is_global_zero and launch.finished(trainer, cfg.epochs):
            mark_finished(run_dir, cfg.epochs)
        launch.report(trainer, run_dir / GRIDS)
