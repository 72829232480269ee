"""The loop of an evaluation: every label map drawn, or every image read, and judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from semsynth.errors import EvaluationError
from semsynth.evaluation.class_samples import class_samples, instance_samples
from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.maps import ImageFolder, JudgedBatch, JudgedMaps, JudgedSample, collate, known_of
from semsynth.evaluation.measured import Measured
from semsynth.evaluation.sampler import Sampler
from semsynth.evaluation.scores import Scores
from semsynth.evaluation.segmenter_scores import OwnSegmenter
from semsynth.interfaces import Progress
from semsynth.metrics.class_diversity import Part
from semsynth.metrics.confusion import Confusion
from semsynth.segmenters.judge import Judge, NoJudge
from semsynth.sharing import announce, batches, from_first, mine, shared

R = TypeVar("R")
Piece = tuple[JudgedBatch, Tensor]  # samples, and their positions (N,)

PIXELS = 2**21  # of a batch: 32 images of 256x256
SEGMENTER_SCORES = 2**28  # of a batch, one for every pixel and class: 1 GiB


def fitting_batch(height: int, width: int, classes: int = 1, judge: Judge | NoJudge | None = None) -> int:
    """A batch size that fits most machines for images of a size and a segmenter's scores of so many classes.

    Where a segmenter `judge` sees the images larger than they are, that counts.
    """
    pixels = height * width
    seen = [pixels]
    if isinstance(judge, Judge):
        seen += [math.prod(judge.preprocessing.size_at(height, width, scale)) for scale in judge.preprocessing.scales]
    return max(1, min(64, PIXELS // max(seen), SEGMENTER_SCORES // (pixels * classes)))


def run_evaluation(evaluator: Evaluator, maps: JudgedMaps | ImageFolder, sampler: Sampler | None, *, batch: int,
                   workers: int = 0, device: torch.device | str = "cpu", progress: Progress, where: str,
                   own: OwnSegmenter | None = None) -> Scores:
    """Scores of all samples of `maps`, whose batches several processes share.

    Args:
        evaluator: Takes the images.
        maps: Of a data set; or of a folder, with the images that were made of them.
        sampler: Draws the label maps; None for a folder of images.
        batch: Images at a time; halved as often as memory asks for it.
        workers: Processes that load samples.
        device: Where the networks run.
        progress: Wraps the loops.
        where: What makes the images, for errors.
        own: The segmenter of the run, scored on the same samples; None: there is none.

    Raises:
        EvaluationError: fewer than two images, an image with NaN, or one that does not fit into memory.
        DataError: a file is broken.
    """
    while True:
        try:
            evaluator.reset()
            if own is not None:
                own.reset()
            _judge(evaluator, maps, sampler, batch, workers, device, progress, where, own)
            if sampler is not None and evaluator.diversities:
                _compare_samples(evaluator, maps, sampler, batch, workers, progress)
            for part in dict.fromkeys(diversity.part for diversity in evaluator.class_diversities):
                if sampler is not None:
                    _compare_parts(evaluator, maps, sampler, batch, workers, progress, part)
            return from_first(lambda: _computed(evaluator, own), "scores")
        except torch.OutOfMemoryError as error:
            if batch == 1:
                raise EvaluationError(f"one image does not fit into the memory of {device}: device=cpu") from error
            announce(error)
        batch //= 2
        torch.cuda.empty_cache()


def _computed(evaluator: Evaluator, own: OwnSegmenter | None) -> Scores:
    found = evaluator.compute()
    if own is not None:
        found.segmenter = own.compute()
        found.scores |= found.segmenter.scores
    return found


def _judge(evaluator: Evaluator, maps: JudgedMaps | ImageFolder, sampler: Sampler | None, batch: int, workers: int,
           device: torch.device | str, progress: Progress, where: str, own: OwnSegmenter | None) -> None:
    styled = sampler is not None and sampler.style_of_images

    def measure(piece: Piece) -> tuple[Measured, tuple[Confusion, Confusion] | None]:
        samples, positions = piece
        fake = samples["fake"].to(device) if sampler is None else sampler.draw(samples, positions)
        found = evaluator.measure(
            fake, samples["truth"], positions=positions, real=samples["image"] if styled else None,
            style=samples.get("style") if styled else None, known=known_of(samples), names=samples["name"], where=where)
        return found, None if own is None else own.measure(samples, fake)

    for found, of_own in _shared(maps, batch, workers, measure, progress, "generating and judging" if sampler else
                                 "judging"):
        evaluator.add(found)
        if own is not None and of_own is not None:
            own.add(of_own)


def _compare_samples(evaluator: Evaluator, maps: JudgedMaps | ImageFolder, sampler: Sampler, batch: int, workers: int,
                     progress: Progress) -> None:
    protocol = evaluator.protocol
    first = Subset(maps, range(min(protocol.diversity_maps, len(maps))))

    def measure(piece: Piece) -> list[Tensor]:
        return evaluator.measure_diversity(sampler.samples(*piece, protocol.diversity_samples))

    for found in _shared(first, max(1, batch // 2), workers, measure, progress, "diversity"):
        evaluator.add_diversity(found)


def _compare_parts(evaluator: Evaluator, maps: JudgedMaps | ImageFolder, sampler: Sampler, batch: int, workers: int,
                   progress: Progress, part: Part) -> None:
    protocol = evaluator.protocol
    first = Subset(maps, range(min(protocol.diversity_maps, len(maps))))
    samples = {"class": class_samples, "instance": instance_samples}[part]

    def measure(piece: Piece) -> list[list[Tensor]]:
        return evaluator.measure_parts(samples(sampler, *piece, protocol.diversity_samples), part)

    for found in _shared(first, max(1, batch // 2), workers, measure, progress, f"diversity by {part}"):
        evaluator.add_parts(found, part)


def _shared(maps: JudgedMaps | ImageFolder | Subset[JudgedSample], batch: int, workers: int,
            measure: Callable[[Piece], R], progress: Progress, title: str) -> Iterable[R]:
    """What the processes measure in the samples of `maps` with their positions, a batch at a time."""
    loader, count = own_batches(maps, batch, workers)
    return progress(shared(loader, measure, count, title), title, count)


def own_batches(maps: JudgedMaps | ImageFolder | Subset[JudgedSample], batch: int, workers: int = 0
                ) -> tuple[Iterable[Piece], int]:
    """The batches of this process with the samples' positions (N,) int64, and the number of all processes' batches."""
    pieces = batches(len(maps), batch)
    own = mine(pieces)
    # a generator of its own: the global one may belong to a training
    loader: DataLoader = DataLoader(maps, batch_sampler=own, num_workers=workers, collate_fn=collate,
                                    generator=torch.Generator())
    return zip(loader, map(torch.tensor, own), strict=True), len(pieces)
