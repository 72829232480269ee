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

import hydra
from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import check_words, command, rehearse
from semsynth.evaluation.arguments import with_judge
from semsynth.papers.request import asked_for
from semsynth.shipped import CONF

FILE = CONF / "train.yaml"


def instead(arguments: list[str]) -> bool:
    """Do what is no training of its own; return whether it was asked for."""
    return runs.resume_training(arguments) or study(arguments)


def study(arguments: list[str]) -> bool:
    """Run studies, the tables and figures of the papers; end with code 1 where something is missing then.

    Raises:
        ConfigError: a training, or another step, would not take its words.
    """
    request = asked_for(arguments)
    if request is None:
        return False
    from semsynth.papers.performing import perform

    for words in request.trainings():
        check_words(words, FILE)
    for step, words in request.others():
        check_words(words, CONF / f"{step}.yaml")
    try:
        complete = perform(request, hydra.utils.instantiate,
                           rehearse=lambda words: rehearse(with_judge(words), FILE))
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr, flush=True)
        sys.exit(130)
    if not complete:
        sys.exit(1)
    return True


@command(FILE, arguments=with_judge, instead=instead)
def main(cfg: DictConfig) -> float | None:
    """Compose, check, train; return the best value of the metric that chooses `best.ckpt`, for sweepers."""
    return runs.start_training(cfg)
