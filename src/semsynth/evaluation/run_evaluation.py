"""The loop of an evaluation: every label map drawn, or every image read, and judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from semsynth.errors import EvaluationError
from semsynth.evaluation.evaluator import Evaluator, Scores
from semsynth.evaluation.maps import collate
from semsynth.evaluation.sampler import Sampler
from semsynth.evaluation.segmenter_scores import OwnSegmenter
from semsynth.metrics.statistics import Progress

PIXELS = 2**21  # of a batch: 32 images of 256x256
SEGMENTER_SCORES = 2**28  # of a batch, one for every pixel and class: 1 GiB


def fitting_batch(height: int, width: int, classes: int = 1, judge: Any = None) -> int:
    """A batch size that fits most machines for images of a size and a segmenter's scores of so many classes.

    Where a segmenter `judge` sees the images larger than they are, that counts.
    """
    pixels = height * width
    seen = [pixels]
    if hasattr(judge, "preprocessing"):
        seen += [math.prod(judge.preprocessing.size_at(height, width, scale)) for scale in judge.preprocessing.scales]
    return max(1, min(64, PIXELS // max(seen), SEGMENTER_SCORES // (pixels * classes)))


def run_evaluation(evaluator: Evaluator, maps: Dataset, painter: Sampler | None, *, batch: int, workers: int = 0,
                   device: torch.device | str = "cpu", progress: Progress, where: str,
                   own: OwnSegmenter | None = None) -> Scores:
    """Scores of all samples of `maps`.

    Args:
        evaluator: Takes the images.
        maps: `maps.JudgedMaps`, or `maps.ImageFolder` whose samples hold the image as `fake`.
        painter: Draws the label maps; None for a folder of images.
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
            _judge(evaluator, maps, painter, batch, workers, device, progress, where, own)
            if painter is not None and evaluator.diversities:
                _compare_samples(evaluator, maps, painter, batch, workers, device, progress)
            found = evaluator.compute()
            if own is not None:
                found.segmenter = own.compute()
                found.scores |= found.segmenter.scores
            return found
        except torch.OutOfMemoryError as error:
            if batch == 1:
                raise EvaluationError(f"one image does not fit into the memory of {device}: device=cpu") from error
        batch //= 2
        torch.cuda.empty_cache()


def _judge(evaluator: Evaluator, maps: Any, painter: Sampler | None, batch: int, workers: int,
           device: torch.device | str, progress: Progress, where: str, own: OwnSegmenter | None) -> None:
    loader: DataLoader = DataLoader(maps, batch, num_workers=workers, collate_fn=collate)
    done = 0
    for samples in progress(loader, "generating and judging" if painter else "judging", len(loader)):
        positions = torch.arange(done, done + len(samples["name"]))
        done += len(positions)
        fake = samples["fake"].to(device) if painter is None else painter.draw(samples, positions)
        styled = painter is not None and painter.style_of_images
        evaluator.update(fake, samples["truth"], positions=positions, real=samples["image"] if styled else None,
                         style=samples.get("style") if styled else None, names=samples["name"], where=where)
        if own is not None:
            own.update(samples, fake)


def _compare_samples(evaluator: Evaluator, maps: Any, painter: Sampler, batch: int, workers: int,
                     device: torch.device | str, progress: Progress) -> None:
    protocol = evaluator.protocol
    first = Subset(maps, range(min(protocol.diversity_maps, len(maps))))
    small = max(1, batch // 2)
    loader: DataLoader = DataLoader(first, small, num_workers=workers, collate_fn=collate)
    done = 0
    for samples in progress(loader, "diversity", len(loader)):
        positions = torch.arange(done, done + len(samples["name"]))
        done += len(positions)
        evaluator.update_diversity(painter.samples(samples, positions, protocol.diversity_samples))
