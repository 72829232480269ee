"""What is scored: a run of ours, or a folder of anybody's images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from semsynth import runs
from semsynth.errors import ConfigError, EvaluationError
from semsynth.evaluation.builder import build_evaluator
from semsynth.evaluation.evaluator import Evaluator, Scores
from semsynth.evaluation.maps import ImageFolder, JudgedMaps
from semsynth.evaluation.run_evaluation import fitting_batch, run_evaluation
from semsynth.evaluation.sampler import Sampler
from semsynth.evaluation.segmenter_scores import KINDS, OwnSegmenter
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.data_sets import DataSets
from semsynth.metrics.features import FeatureChoice
from semsynth.metrics.given_statistics import GivenStatistics
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import RealImages
from semsynth.synthesis.maps import mask_decoder
from semsynth.threads import Choice, Threads
from semsynth.weights.tensor_files import sha256_of


@dataclass
class Source:
    """What is scored.

    Attributes:
        facts: `run` or `images`, and `dataset`, for scores.json.
        choices: What else moves the scores: checkpoint, weights.
        maps: Samples to judge.
        painter: Draws them; None where they are images already.
        size: (H,W) of the images.
        data: The data set.
        known_style: Whether it knows the style of its images.
        where: What makes the images, for errors.
        segmenter: The one in the loop of an unpaired run; None: there is none.
    """

    facts: dict[str, Any]
    choices: dict[str, Any]
    maps: Dataset
    painter: Sampler | None
    size: tuple[int, int]
    data: DataSets
    known_style: bool
    where: str
    segmenter: Any = None


def load_run(run: str | Path, checkpoint: str, weights: str) -> tuple[Any, Any, Any, dict[str, Any]]:
    """A run's generator, encoder and configuration, and which weights these are.

    Raises:
        ConfigError: no such run, checkpoint or weights.
    """
    runs.load_config(run)  # no such run is told before no such checkpoint
    path = runs.find_checkpoint(run, checkpoint)
    taken = "ema" if weights == "auto" else weights
    try:
        generator, encoder, cfg = runs.load_generator(run, str(path), taken)
    except ConfigError:
        if weights != "auto":
            raise
        taken = "raw"
        generator, encoder, cfg = runs.load_generator(run, str(path), taken)
    kept = {"file": path.name, "epoch": runs.epoch_of(path), "sha256": sha256_of(path)}
    return generator, encoder, cfg, {"checkpoint": kept, "weights": taken}


def load_segmenter(run: str | Path, checkpoint: str, weights: str, wanted: Sequence[str] | None) -> Any:
    """The segmenter in the loop of an unpaired run; None for other runs, or where its scores are not wanted.

    Raises:
        EvaluationError: its scores are asked for, and there is none; or it cannot be rebuilt.
    """
    asked = [kind for kind in wanted or () if kind in KINDS]
    if wanted is not None and not asked:
        return None
    try:
        found = runs.load_segmenter(run, checkpoint, weights)
    except ConfigError as error:
        raise EvaluationError(f"{error}\nwanted=[fid,miou,accuracy] or other kinds leave its scores out") from error
    if asked and found is None:
        raise EvaluationError(f"wanted={asked[0]}: {run} has no segmenter in the loop")
    return found


def of_run(run: str, generator: Any, encoder: Any, data: DataSets, size: Sequence[int], protocol: Protocol,
           device: torch.device, choices: Mapping[str, Any], segmenter: Any = None) -> Source:
    """A trained generator on the label maps of its validation split.

    Raises:
        EvaluationError: styles of photographs, and no encoder.
        DataError: the data set is not there.
    """
    maps = JudgedMaps(data.maps(protocol), protocol)
    painter = Sampler(generator, encoder, num_classes=data.facts["num_classes"], style=protocol.style,
                      seed=protocol.seed, device=device)
    known = "style" in maps[0]
    return Source({"run": str(run), "dataset": data.name}, dict(choices), maps, painter, (int(size[0]), int(size[1])),
                  data, known, f"{run} ({choices['checkpoint']['file']}, weights={choices['weights']})", segmenter)


def of_folder(images: str, labels: str, data: DataSets, protocol: Protocol) -> Source:
    """Images of any method with their label maps, which are read as synthesize.py reads them.

    Raises:
        EvaluationError: files that do not pair or fit.
        DataError: a broken file.
    """
    facts = data.facts
    decode = mask_decoder(data.classes, [list(colour) for colour in facts["colours"]], facts.get("ids"),
                          facts.get("masks"))
    maps = ImageFolder(images, labels, decode, facts["num_classes"], data.unknown, protocol)
    warn_of_squashed(maps)
    choices = {"labels": str(labels), "squashed_labels": len(maps.squashed), "style": None}
    return Source({"images": str(images), "dataset": data.name}, choices, maps, None,
                  maps.size, data, False, str(images))


def warn_of_squashed(maps: ImageFolder) -> None:
    """Say in one line which label maps have another aspect than the images."""
    if maps.squashed:
        height, width = maps.size
        print(f"{len(maps.squashed)} of {len(maps.pairs)} label maps have another aspect than their images of "
              f"{width}x{height}, as {maps.squashed[0]} has: they are squashed to it, which is right only where the "
              "images were made from maps squashed so (not cropped)", file=sys.stderr)


def score(source: Source, protocol: Protocol, judge: Any, *, wanted: Sequence[str] | None, device: torch.device,
          choice: FeatureChoice | None = None, batch: int | None, workers: int,
          cache: str | Path | None, threads: Threads = "auto", given: GivenStatistics | None = None
          ) -> tuple[Scores, dict[str, Any]]:
    """All scores that can be had of a source, and everything that moved them, in plain values.

    Args:
        source: What is scored.
        protocol: How.
        judge: Segmenter, or None.
        wanted: Kinds of scores that must be had; None: all that can.
        device: Where networks run.
        choice: Which networks' features are compared; None: what there is.
        batch: Images at a time; None: what fits their size.
        workers: Processes that load images.
        cache: Folder of the statistics of real images; None: the default one.
        threads: Of a CPU; `auto`: every long loop chooses by its first batches.
        given: Statistics that stand in for the real images of a split in FID.

    Raises:
        EvaluationError: a score that was asked for cannot be had, or what the scores are made of is wrong.
    """
    batch = fitting_batch(*source.size, len(source.data.classes), judge) if batch is None else batch
    if batch < 1:
        raise EvaluationError(f"batch={batch} must be 1 or more")
    painter, progress = source.painter, partial(bar, threads, device)
    real: dict[str, RealImages] = {}

    def kept(split: str, build: Callable[[], RealImages]) -> Callable[[], RealImages]:
        def built() -> RealImages:
            real[split] = build()
            return real[split]

        return built

    builders = source.data.real(protocol, source.size)
    evaluator, skipped = build_evaluator(
        protocol, dataset=source.data.name, classes=source.data.classes, unknown=source.data.unknown, judge=judge,
        wanted=None if wanted is None else [kind for kind in wanted if kind not in KINDS],
        real={split: kept(split, build) for split, build in builders.items()},
        choice=(choice or FeatureChoice()).usually(source.data.features),
        styled=painter is not None and painter.generator.styled,
        style_of_images=painter is not None and painter.style_of_images, known_style=source.known_style,
        cache=StatisticsCache(cache), batch=batch, workers=workers, device=device, progress=progress, pixels=True,
        given=given, trains_judge=source.data.trains_judge(source.size))
    own = source.segmenter
    found = run_evaluation(evaluator, source.maps, painter, batch=batch, workers=workers, device=device,
                           progress=progress, where=source.where,
                           own=own and OwnSegmenter(own.to(device), evaluator.protocol, evaluator.counted))
    found.skipped = {**skipped, **found.skipped}
    content = described(source, evaluator, real, found)
    return found, content | ({} if given is None else {"real_statistics": given.description()})


def described(source: Source, evaluator: Evaluator, real: Mapping[str, RealImages], found: Scores) -> dict[str, Any]:
    """Everything that moved the scores, in plain values."""
    protocol = evaluator.protocol
    style = protocol.style if source.painter is not None and source.painter.generator.styled else None
    return {
        **protocol.as_dict(), "style": style, **source.choices, "generated": found.count, "size": list(source.size),
        "segmenter": None if evaluator.judge is None else evaluator.judge.description(),
        "style_regressor": None if evaluator.recovery is None else evaluator.recovery.regressor.sha256,
        "ignored_classes": evaluator.ignored, "rare_classes": found.rare,
        "features": {net.name: net.description() for net in evaluator.features},
        "real": {split: images.identity() for split, images in real.items()},
    }


def bar(threads: Threads, device: torch.device, items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """A progress bar over batches, which also choose the number of threads."""
    choice = Choice.of(threads, device, total)
    return choice.timed(tqdm(items, title, total, leave=False), unit="batches", say=tqdm.write)


def choose_device(wish: str) -> torch.device:
    """`auto`: CUDA where there is a device.

    Raises:
        EvaluationError: no such device.
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if wish == "auto" else wish)
    except RuntimeError as error:
        raise EvaluationError(f"device={wish} must be auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EvaluationError(f"device={wish}: there is no CUDA device; take device=cpu")
    return device
