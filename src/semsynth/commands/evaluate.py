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

from semsynth.cli import command
from semsynth.config import built, check_threads, finalize, listed
from semsynth.errors import EvaluationError
from semsynth.evaluation.arguments import completed
from semsynth.shipped import CONF


def evaluate(cfg: DictConfig) -> None:
    """Collect what is scored, score it, write and print the scores."""
    from semsynth.evaluation import report, sources, wandb_summary
    from semsynth.metrics.features import FeatureChoice
    from semsynth.metrics.given_statistics import read_statistics

    started = time.monotonic()
    if (cfg.run is None) == (cfg.images is None) or (cfg.images is None) != (cfg.labels is None):
        raise EvaluationError("give run=DIR, or images=DIR labels=DIR dataset=NAME")
    if cfg.wandb:
        if cfg.run is None:
            raise EvaluationError("wandb=true writes to the W&B run of run=DIR; images=DIR have none")
        wandb_summary.find_wandb(cfg.run)
    check_threads(cfg)
    protocol, device = built(cfg.protocol), sources.choose_device(cfg.device)
    judge = built(cfg.segmenter) if cfg.get("segmenter") else None
    choice = FeatureChoice(listed(cfg.features), cfg.inception.weights, cfg.dinov2.weights)
    others = listed(cfg.real_statistics)
    given = None if others is None else read_statistics(others, cfg.real_statistics_of)
    source = source_of(cfg, protocol, device)
    found, content = sources.score(
        source, protocol, judge, wanted=listed(cfg.wanted), device=device, choice=choice, batch=cfg.batch,
        workers=cfg.workers, cache=cfg.cache, threads=cfg.threads, given=given)
    document = report.document(found, source=source.facts, protocol=content, seconds=time.monotonic() - started)
    report.keep(document, cfg.output or Path(cfg.run or cfg.images) / "scores.json")
    if cfg.wandb:
        print(f"W&B: {wandb_summary.add_to_summary(cfg.run, document)}")


def source_of(cfg: DictConfig, protocol: Any, device: Any) -> Any:
    """The generator of `run`, or the images of `images`, on the data set's label maps."""
    from semsynth.evaluation import sources
    from semsynth.metrics.data_sets import DataSets

    if cfg.run is None:
        facts: Any = OmegaConf.to_container(finalize(cfg).dataset, resolve=True)
        return sources.of_folder(cfg.images, cfg.labels, DataSets(facts, built, cfg.root), protocol)
    generator, encoder, trained, choices = sources.load_run(cfg.run, cfg.checkpoint, cfg.weights)
    facts = OmegaConf.to_container(trained.dataset)
    data = DataSets({"features": list(cfg.dataset.features), **facts}, built, cfg.root)
    segmenter = sources.load_segmenter(cfg.run, cfg.checkpoint, choices["weights"], listed(cfg.wanted))
    return sources.of_run(cfg.run, generator, encoder, data, trained.size, protocol, device, choices, segmenter)


main = command(CONF / "evaluate.yaml", arguments=partial(completed, data_sets=CONF / "dataset"))(evaluate)
