"""Train a generator.

    python train.py                                        CLADE on the embedded scenes
    python train.py norm=clade dataset=cityscapes          a published setting
    python train.py dataset=folder dataset.root=DIR        your own pictures and masks
    python train.py -m norm=spade,clade,clade_icpe         a sweep, each job in a directory of its own
    python train.py resume=DIR                             go on where a run stopped
    python train.py init_from=RUN dataset=folder ...       begin with the weights of another run
    python train.py trainer=smoke                          two batches: does it run at all?
"""

from pathlib import Path

from omegaconf import DictConfig

from semsynth import config, runs
from semsynth.cli import command
from semsynth.evaluation.arguments import with_judge


def resume(arguments: list[str]) -> bool:
    """Serve as another process of a run, or continue a run; return whether either was asked for."""
    told = runs.told_by_first_process()
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


@command(Path(__file__).parent / "conf" / "train.yaml", arguments=with_judge, instead=resume)
def start(cfg: DictConfig) -> None:
    """Compose, check, train."""
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
        launch.fit(trainer, system, data, checkpoint, cfg.get("matmul", "highest"))  # runs from before have no such key
        if trainer.is_global_zero and launch.finished(trainer, cfg.epochs):
            runs.mark_finished(run_dir, cfg.epochs)
        launch.report(trainer, run_dir / runs.GRIDS)


if __name__ == "__main__":
    start()
