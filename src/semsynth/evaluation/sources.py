"""What is scored: a run of ours, or a folder of anybody's images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import torch
from tqdm.auto import tqdm

from semsynth import runs
from semsynth.errors import ConfigError, EvaluationError
from semsynth.evaluation.builder import build_evaluator
from semsynth.evaluation.class_samples import parts_of
from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.maps import ImageFolder, JudgedMaps, collate
from semsynth.evaluation.report import Facts
from semsynth.evaluation.run_evaluation import fitting_batch, run_evaluation
from semsynth.evaluation.sampler import Sampler
from semsynth.evaluation.scores import Scores
from semsynth.evaluation.segmenter_scores import KINDS, OwnSegmenter
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.class_diversity import KINDS as PARTS
from semsynth.metrics.class_diversity import Part
from semsynth.metrics.data_sets import DataSets
from semsynth.metrics.features import FeatureChoice
from semsynth.metrics.given_statistics import GivenStatistics
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import RealImages
from semsynth.segmenters.judge import Judge, NoJudge
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.synthesis.maps import mask_decoder
from semsynth.threads import Choice, Threads
from semsynth.weights.tensor_files import sha256_of

T = TypeVar("T")


class Kept(TypedDict):
    """A checkpoint: the name of its file, the epoch from 0 that it was written in, and the SHA-256."""

    file: str
    epoch: int | None
    sha256: str


class Choices(TypedDict, total=False):
    """What moves the scores besides protocol and data set: weights of a run, or label maps of a folder."""

    checkpoint: Kept
    weights: str
    labels: str
    squashed_labels: int
    style: None


@dataclass
class Source:
    """What is scored.

    Attributes:
        facts: For scores.json.
        choices: What else moves the scores: checkpoint, weights.
        maps: Samples to judge.
        sampler: Draws them; None where they are images already.
        size: (H,W) of the images.
        data: The data set.
        known_style: Whether it knows the style of its images.
        where: What makes the images, for errors.
        segmenter: The one in the loop of an unpaired run; None: there is none.
        known_colours: Whether the data set knows the colours of its images' objects.
        parts: Of what the style can be drawn anew without the rest of a picture's; None where there is none to draw.
    """

    facts: Facts
    choices: Choices
    maps: JudgedMaps | ImageFolder
    sampler: Sampler | None
    size: tuple[int, int]
    data: DataSets
    known_style: bool
    where: str
    segmenter: LoopSegmenter | None = None
    known_colours: bool = False
    parts: tuple[Part, ...] | None = None


@dataclass(frozen=True)
class Options:
    """How a source is scored.

    Attributes:
        protocol: How scores are taken.
        judge: Segmenter, or None.
        wanted: Kinds of scores that must be had; None: all that can.
        device: Where networks run.
        choice: Which networks' features are compared.
        batch: Images at a time; None: what fits their size.
        workers: Processes that load images.
        cache: Folder of the statistics of real images; None: the default one.
        threads: Of a CPU; `auto`: every long loop chooses by its first batches.
        given: Statistics that stand in for the real images of a split in FID.

    Raises:
        EvaluationError: no image at a time.
    """

    protocol: Protocol
    judge: Judge | NoJudge | None = None
    wanted: Sequence[str] | None = None
    device: torch.device = field(default_factory=partial(torch.device, "cpu"))
    choice: FeatureChoice = field(default_factory=FeatureChoice)
    batch: int | None = None
    workers: int = 0
    cache: str | Path | None = None
    threads: Threads = "auto"
    given: GivenStatistics | None = None

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise EvaluationError(f"batch={self.batch} must be 1 or more")


def chosen_weights(run: runs.Run) -> Choices:
    """Which checkpoint and weights of a run are scored.

    Raises:
        ConfigError: no such run, checkpoint or weights.
    """
    kept: Kept = {"file": run.checkpoint.name, "epoch": run.saved.epoch, "sha256": sha256_of(run.checkpoint)}
    return {"checkpoint": kept, "weights": run.weights}


def segmenter_of(run: runs.Run, wanted: Sequence[str] | None) -> LoopSegmenter | None:
    """The segmenter in the loop of an unpaired run; None for other runs, or where its scores are not wanted.

    Raises:
        EvaluationError: its scores are asked for, and there is none; or it cannot be rebuilt.
    """
    asked = [kind for kind in wanted or () if kind in KINDS]
    if wanted is not None and not asked:
        return None
    try:
        found = run.segmenter
    except ConfigError as error:
        raise EvaluationError(f"{error}\nwanted=[fid,miou,accuracy] or other kinds leave its scores out") from error
    if asked and found is None:
        raise EvaluationError(f"wanted={asked[0]}: {run.path} has no segmenter in the loop")
    return found


def of_run(run: runs.Run, data: DataSets, options: Options) -> Source:
    """A trained generator on the label maps of its validation split.

    Raises:
        ConfigError: no such run, checkpoint or weights.
        EvaluationError: styles of photographs, and no encoder; or no segmenter whose scores are asked for.
        DataError: the data set is not there.
    """
    generator, choices, segmenter = run.generator, chosen_weights(run), segmenter_of(run, options.wanted)
    protocol = options.protocol
    _check_drawn(generator, options)
    sampler = Sampler(generator, run.encoder, num_classes=data.facts["num_classes"], style=protocol.style,
                      seed=protocol.seed, device=options.device)
    maps = JudgedMaps(data.maps(protocol), protocol, colours=sampler.style_of_images)
    first = maps[0]
    height, width = run.config.size
    return Source({"run": str(run.path), "dataset": data.name}, choices, maps, sampler, (int(height), int(width)),
                  data, "style" in first, f"{run.path} ({choices['checkpoint']['file']}, weights={choices['weights']})",
                  segmenter, "colours" in first, parts_of(sampler, collate([first])))


def _check_drawn(generator: Any, options: Options) -> None:
    """Refuse to score drawn styles of a generator that does not know what they are like."""
    wanted, protocol = options.wanted, options.protocol
    of_samples = {"diversity", *(kind for kinds in PARTS.values() for kind in kinds)}
    if protocol.style == "normal" or (protocol.diversity_maps and (wanted is None or of_samples & {*wanted})):
        try:
            generator.check_drawn()
        except ValueError as error:
            raise EvaluationError(f"{error}. protocol.style=image protocol.diversity_maps=0 scores styles of "
                                  "photographs alone") from None


def of_folder(images: str, labels: str, data: DataSets, options: Options) -> Source:
    """Images of any method with their label maps, which are read as synthesize.py reads them.

    Raises:
        EvaluationError: files that do not pair or fit.
        DataError: a broken file.
    """
    facts = data.facts
    decode = mask_decoder(data.classes, [list(colour) for colour in facts["colours"]], facts.get("ids"),
                          facts.get("masks"))
    maps = ImageFolder(images, labels, decode, facts["num_classes"], data.unknown, options.protocol)
    warn_of_squashed(maps)
    choices: Choices = {"labels": str(labels), "squashed_labels": len(maps.squashed), "style": None}
    return Source({"images": str(images), "dataset": data.name}, choices, maps, None,
                  maps.size, data, False, str(images))


def warn_of_squashed(maps: ImageFolder) -> None:
    """Say in one line which label maps have another aspect than the images."""
    if maps.squashed:
        height, width = maps.size
        print(f"{len(maps.squashed)} of {len(maps.pairs)} label maps have another aspect than their images of "
              f"{width}x{height}, as {maps.squashed[0]} has: they are squashed to it, which is right only where the "
              "images were made from maps squashed so (not cropped)", file=sys.stderr)


def score(source: Source, options: Options) -> tuple[Scores, dict[str, object]]:
    """All scores that can be had of a source, and everything that moved them, in plain values.

    Raises:
        EvaluationError: a score that was asked for cannot be had, or what the scores are made of is wrong.
    """
    protocol, judge, wanted, device = options.protocol, options.judge, options.wanted, options.device
    batch = options.batch or fitting_batch(*source.size, len(source.data.classes), judge)
    sampler, progress = source.sampler, partial(bar, options.threads, device)
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
        choice=options.choice.usually(source.data.features),
        styled=sampler is not None and sampler.generator.styled,
        style_of_images=sampler is not None and sampler.style_of_images, known_style=source.known_style,
        known_colours=source.known_colours, parts=source.parts,
        cache=StatisticsCache(options.cache), batch=batch, workers=options.workers, device=device, progress=progress,
        pixels=True, given=options.given, trains_judge=source.data.trains_judge(source.size))
    own = source.segmenter
    found = run_evaluation(evaluator, source.maps, sampler, batch=batch, workers=options.workers, device=device,
                           progress=progress, where=source.where,
                           own=None if own is None else OwnSegmenter(own.to(device), evaluator.protocol,
                                                                     evaluator.counted))
    found.skipped = {**skipped, **found.skipped}
    content = described(source, evaluator, real, found)
    return found, content | ({} if options.given is None else {"real_statistics": options.given.description()})


def described(source: Source, evaluator: Evaluator, real: Mapping[str, RealImages], found: Scores) -> dict[str, object]:
    """Everything that moved the scores, in plain values."""
    protocol = evaluator.protocol
    style = protocol.style if source.sampler is not None and source.sampler.generator.styled else None
    return {
        **protocol.as_dict(), "style": style, **source.choices, "generated": found.count, "size": list(source.size),
        "segmenter": None if evaluator.judge is None else evaluator.judge.description(),
        "style_regressor": None if evaluator.recovery is None else evaluator.recovery.regressor.sha256,
        "ignored_classes": evaluator.ignored, "rare_classes": found.rare,
        "features": {net.name: net.description() for net in evaluator.features},
        "real": {split: images.identity() for split, images in real.items()},
    }


def bar(threads: Threads, device: torch.device, items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """A progress bar over batches, which also choose the number of threads."""
    choice = Choice.of(threads, device, total)
    return choice.timed(tqdm(items, title, total, leave=False), unit="batches", say=tqdm.write)
