"""Train a generator.

    python train.py                                        CLADE on the embedded scenes
    python train.py norm=clade dataset=cityscapes          a published setting
    python train.py dataset=folder dataset.root=DIR        your own pictures and masks
    python train.py -m norm=spade,clade,clade_icpe         a sweep, each job in a directory of its own
    python train.py experiments=table1_scenes              a table of the papers: trains, scores, ends in a page
    python train.py resume=DIR                             go on where a run stopped
    python train.py init_from=RUN dataset=folder ...       begin with the weights of another run
    python train.py trainer=smoke                          two batches: does it run at all?
"""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from semsynth import config, runs
from semsynth.cli import check_words, command
from semsynth.evaluation.arguments import with_judge
from semsynth.papers.request import asked_for

CONFIG = Path(__file__).parent / "conf" / "train.yaml"


def instead(arguments: list[str]) -> bool:
    """Do what is no training of its own; return whether it was asked for."""
    return resume(arguments) or study(arguments)


def study(arguments: list[str]) -> bool:
    """Run studies, the tables and figures of the papers; end with code 1 where something is missing then.

    Raises:
        ConfigError: a training would not take its words.
    """
    request = asked_for(arguments)
    if request is None:
        return False
    from semsynth.papers.performing import perform

    for words in request.trainings():
        check_words(words, CONFIG)
    try:
        complete = perform(request, CONFIG.parents[1], hydra.utils.instantiate)
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr, flush=True)
        sys.exit(130)
    if not complete:
        sys.exit(1)
    return True


def resume(arguments: list[str]) -> bool:
    """Serve as another process of a run, or continue a run; return whether either was asked for."""
    told = runs.handed_over_by_rank_zero()
    if told is not None:
        train(*told)
        return True
    asked = runs.asked_to_resume(arguments)
    if asked is not None:
        cfg = runs.resumed(*asked)
        with runs.claimed(cfg, known=True):
            config.check(cfg)
            train(cfg, runs.find_checkpoint(cfg.run_dir))
    return asked is not None


@command(CONFIG, arguments=with_judge, instead=instead)
def start(cfg: DictConfig) -> float | None:
    """Compose, check, train; return the best value of the metric that chooses `best.ckpt`, for sweepers."""
    runs.set_run_dir(cfg)
    cfg = runs.inherit(cfg)
    if not runs.finished_before(cfg):
        with runs.claimed(cfg):
            train(*runs.continue_where_possible(config.prepare(cfg)))
    return runs.best_value(cfg.run_dir)


def train(cfg: DictConfig, checkpoint: Path | None) -> None:
    """Train with a checked configuration, from the beginning or from a checkpoint."""
    from semsynth.training import launch

    with launch.report_failures(cfg.run_dir, reraise=runs.in_sweep()):
        if checkpoint is not None:
            runs.check_checkpoint(checkpoint)
        run_dir = runs.open_run(cfg, checkpoint)
        trainer, system, data = runs.build(cfg)
        if checkpoint is None:
            runs.warm_start(system, cfg)
        launch.fit(trainer, system, data, checkpoint, cfg.get("matmul", "highest"))  # runs from before have no such key
        if trainer.is_global_zero and launch.finished(trainer, cfg.epochs):
            runs.mark_finished(run_dir, cfg.epochs)
        launch.report(trainer, run_dir / runs.GRIDS)


if __name__ == "__main__":
    start()
