"""Score a run, or a folder of images.

    python evaluate.py run=DIR                                     scores.json in the run directory, and a table
    python evaluate.py run=DIR protocol=spade                      as another paper scores
    python evaluate.py images=DIR labels=DIR dataset=cityscapes    images made by anything
    python evaluate.py run=DIR segmenter=FILE.safetensors          a judge that tools/train_segmenter.py trained
    python evaluate.py run=DIR real_statistics=FILE.npz            FID against others' statistics of the real images
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth import runs
from semsynth.cli import command
from semsynth.cli.folders import groups_of
from semsynth.config import built, check_signatures, finalize, listed
from semsynth.errors import EvaluationError
from semsynth.evaluation.arguments import completed
from semsynth.shipped import CONF

FILE = CONF / "evaluate.yaml"


def asked_run(cfg: DictConfig) -> runs.Run | None:
    """The run that is scored, None for images; checks that there is something to score, before anything is imported.

    Raises:
        EvaluationError: neither a run nor images with label maps are named, or there are no such folders.
        ConfigError: no such run.
    """
    if (cfg.run is None) == (cfg.images is None) or (cfg.images is None) != (cfg.labels is None):
        raise EvaluationError("give run=DIR, or images=DIR labels=DIR dataset=NAME")
    if cfg.run is not None:
        run = runs.Run(cfg.run, cfg.checkpoint, cfg.weights)
        run.whole("dataset", "generator")
        _ = run.checkpoint
        return run
    for key in ("images", "labels"):
        if not Path(cfg[key]).is_dir():
            raise EvaluationError(f"{key}={cfg[key]}: there is no such folder")
    return None


def evaluate(cfg: DictConfig) -> None:
    """Collect what is scored, score it, write and print the scores; several processes share the batches."""
    with runs.together():
        score(cfg)


def score(cfg: DictConfig) -> None:
    """The same, as this process's part of it."""
    run = asked_run(cfg)
    from semsynth.device import chosen_device
    from semsynth.evaluation import report, sources, wandb_summary
    from semsynth.metrics.data_sets import DataSets
    from semsynth.metrics.features import FeatureChoice
    from semsynth.metrics.given_statistics import read_statistics
    from semsynth.sharing import processes

    started = time.monotonic()
    if cfg.wandb:
        wandb_summary.find_wandb(cfg.run)
    if run is None:  # a run brings its own data set
        finalize(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, ("protocol", "segmenter") if run else ("protocol", "segmenter", "dataset"))
    others = listed(cfg.real_statistics)
    options = sources.Options(
        built(cfg.protocol), built(cfg.segmenter) if cfg.get("segmenter") else None, listed(cfg.wanted),
        chosen_device(cfg.device), FeatureChoice(listed(cfg.features), cfg.inception.weights, cfg.dinov2.weights),
        cfg.batch, cfg.workers, cfg.cache, cfg.threads,
        None if others is None else read_statistics(others, cfg.real_statistics_of))
    if run is None:
        source = sources.of_folder(cfg.images, cfg.labels, DataSets(plain["dataset"], built, cfg.root), options)
    else:
        facts: Any = OmegaConf.to_container(run.whole("dataset", "generator").dataset)
        source = sources.of_run(run, DataSets(facts, built, cfg.root, cfg.shards), options)
    found, protocol = sources.score(source, options)
    if processes()[0] > 0:
        return
    document = report.document(found, source=source.facts, protocol=protocol, seconds=time.monotonic() - started)
    report.keep(document, cfg.output or Path(cfg.run or cfg.images) / "scores.json")
    if cfg.wandb:
        print(f"W&B: {wandb_summary.add_to_summary(cfg.run, document)}")


main = command(FILE, arguments=partial(completed, choices=partial(groups_of, FILE)))(evaluate)
