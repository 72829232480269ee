"""Building an evaluator from what there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from semsynth.evaluation.assembly import TRAINS_JUDGE, Assembly
from semsynth.evaluation.evaluator import Evaluator
from semsynth.interfaces import Progress
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.class_diversity import Part
from semsynth.metrics.features import FeatureChoice
from semsynth.metrics.given_statistics import GivenStatistics
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import RealImages
from semsynth.metrics.statistics import silent
from semsynth.pretrained.folder import tool
from semsynth.segmenters.judge import Judge, NoJudge


def build_evaluator(
    protocol: Protocol,
    *,
    dataset: str,
    classes: Sequence[str],
    unknown: int | None,
    judge: Judge | NoJudge | None,
    real: Mapping[str, Callable[[], RealImages]],
    wanted: Sequence[str] | None = None,
    choice: FeatureChoice | None = None,
    styled: bool = False,
    style_of_images: bool = False,
    known_style: bool = False,
    known_colours: bool = False,
    parts: Sequence[Part] | None = None,
    cache: StatisticsCache | None = None,
    batch: int = 16,
    workers: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
    given: GivenStatistics | None = None,
    pixels: bool = False,
    trains_judge: str = TRAINS_JUDGE,
) -> tuple[Evaluator, dict[str, str]]:
    """An evaluator of all scores that can be had, on a device, and the reasons why others cannot.

    Measures the real images where no earlier evaluation did; several processes share that.

    Args:
        protocol: How scores are taken; the evaluator's is settled for the data set and the judge.
        dataset: Name of the data set.
        classes: Names of its classes.
        unknown: Index of its unknown class, or None.
        judge: Segmenter; None, or a `NoJudge` that says why there is none.
        real: Builds the real images of each split (`train`, `val`).
        wanted: Kinds of scores that must be had; None: all that can.
        choice: Which networks' features are compared; None: what there is.
        styled: Whether samples of one label map can be drawn.
        style_of_images: Whether the generated images are in the style of the photographs.
        known_style: Whether the data set knows the style of its images.
        known_colours: Whether it knows the colours of their objects.
        parts: Of what the style can be drawn anew without the rest of a picture's; None: nobody would expect that.
        cache: Of the statistics; None: the default folder.
        batch: Images at a time.
        workers: Processes that load images.
        device: Where the networks run.
        progress: Wraps the loops over real images.
        given: Statistics that stand in for the real images of a split in FID.
        pixels, trains_judge: See `Assembly`.

    Raises:
        EvaluationError: a score that was asked for cannot be had.
    """
    missing, judge = (judge, None) if isinstance(judge, NoJudge) else (None, judge)
    protocol = protocol.settled(dataset, judge)  # before a judge that is not asked is left out
    assembly = Assembly(protocol, wanted, pixels, trains_judge, dataset=dataset,
                        no_judge=None if missing is None else missing.told(tool(dataset)))
    if judge is not None:
        judge.check_classes(list(classes))
    nets = assembly.features(judge, choice)
    statistics = assembly.statistics(nets, real, cache=cache or StatisticsCache(), batch=batch, workers=workers,
                                     device=device, progress=progress, given=given)
    evaluator = Evaluator(
        protocol, classes, unknown=unknown, judge=assembly.judge(judge), features=nets, real=statistics,
        diversities=assembly.diversities(judge, styled), recovery=assembly.recovery(known_style, style_of_images),
        class_diversities=assembly.class_diversities(judge, parts),
        paired=assembly.paired(style_of_images, known_colours, parts is not None))
    return evaluator.to(device), assembly.skipped
