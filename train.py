"""Train a generator: python train.py norm=clade dataset=cityscapes (conf/ lists the choices, README.md explains)."""

import os
import sys
from pathlib import Path

# Waiting OpenMP threads spin for about 0.1 ms, then sleep: endless spinning, the default, nearly doubles the CPU time
# on a busy machine, and sleeping at once costs an idle one a third. Must stand before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import hydra
from omegaconf import DictConfig

from semsynth import config, runs

CONF = Path(__file__).parent / "conf"


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def start(cfg: DictConfig) -> None:
    """Compose, check, train."""
    with config.explained(reraise=runs.in_sweep()):
        runs.settle(cfg)
        cfg = runs.inherit(cfg)
        if runs.finished_before(cfg):
            return
        with runs.claimed(cfg):
            train(*runs.continue_where_possible(config.prepare(cfg)))


def train(cfg: DictConfig, checkpoint: Path | None) -> None:
    """Train with a checked configuration, from the beginning or from a checkpoint."""
    from semsynth.training import launch

    with launch.told_in_words(cfg.run_dir, reraise=runs.in_sweep()):
        if checkpoint is not None:
            runs.check_checkpoint(checkpoint)
        run_dir = runs.open_run(cfg, checkpoint)
        trainer, system, data = runs.build(cfg)
        if checkpoint is None:
            runs.warm_start(system, cfg)
        launch.fit(trainer, system, data, checkpoint)
        if trainer.is_global_zero and launch.finished(trainer, cfg.epochs):
            runs.mark_finished(run_dir, cfg.epochs)
        launch.report(trainer, run_dir / runs.GRIDS)


def main() -> None:
    """Serve as another process of a run, continue a run, or start one."""
    told = runs.told_by_first_process()
    with config.explained():
        if told is not None:
            return train(*told)
        asked = runs.asked_to_resume(sys.argv[1:])
        if asked is not None:
            cfg = runs.resumed(*asked)
            with runs.claimed(cfg, known=True):
                config.check(cfg)
                return train(cfg, runs.find_checkpoint(cfg.run_dir))
    try:
        start()
    except SystemExit as end:
        if end.code == 1:  # Hydra could not compose, or a job failed
            print(*config.suggest(sys.argv[1:], CONF), sep="\n", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
