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

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from semsynth.cli import command
from semsynth.config import check_threads, finalize
from semsynth.errors import ConfigError, EvaluationError
from semsynth.evaluation import arguments


def evaluate(cfg: DictConfig) -> None:
    """Collect what is scored, score it, write and print the scores."""
    from rich.console import Console

    from semsynth.evaluation import report, sources, wandb_summary
    from semsynth.metrics.data_sets import DataSets
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
    protocol, device = build(cfg.protocol), sources.choose_device(cfg.device)
    judge = build(cfg.segmenter) if cfg.get("segmenter") else None
    wanted, named = (listed(cfg[key]) for key in ("wanted", "features"))
    choice = FeatureChoice(named, cfg.inception.weights, cfg.dinov2.weights)
    others = listed(cfg.real_statistics)
    given = None if others is None else read_statistics(others, cfg.real_statistics_of)
    if cfg.run is not None:
        generator, encoder, trained, choices = sources.load_run(cfg.run, cfg.checkpoint, cfg.weights)
        facts: Any = OmegaConf.to_container(trained.dataset)
        data = DataSets({"features": list(cfg.dataset.features), **facts}, build, cfg.root)
        segmenter = sources.load_segmenter(cfg.run, cfg.checkpoint, choices["weights"], wanted)
        source = sources.of_run(cfg.run, generator, encoder, data, trained.size, protocol, device, choices, segmenter)
    else:
        data = DataSets(OmegaConf.to_container(finalize(cfg).dataset, resolve=True), build, cfg.root)
        source = sources.of_folder(cfg.images, cfg.labels, data, protocol)
    found, content = sources.score(
        source, protocol, judge, wanted=wanted, device=device, choice=choice, batch=cfg.batch, workers=cfg.workers,
        cache=cfg.cache, threads=cfg.threads, given=given)
    document = report.document(found, source=source.facts, protocol=content, seconds=time.monotonic() - started)
    path = Path(cfg.output or Path(cfg.run or cfg.images) / "scores.json").expanduser()
    report.write_scores(path, document)
    report.print_scores(document, Console())
    print(f"scores: {path}")
    if cfg.wandb:
        print(f"W&B: {wandb_summary.add_to_summary(cfg.run, document)}")


def listed(words: Any) -> list[str] | None:
    """A list of words, which may be typed as one word; None for null."""
    return None if words is None else [words] if isinstance(words, str) else list(words)


def build(node: Any) -> Any:
    """Build an object from a node; what its constructor says against the values is a fault of the configuration."""
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError):
            raise ConfigError(str(error.__cause__)) from error
        raise


CONF = Path(__file__).parent / "conf"
main = command(CONF / "evaluate.yaml", arguments=partial(arguments.completed, data_sets=CONF / "dataset"))(evaluate)

if __name__ == "__main__":
    main()
