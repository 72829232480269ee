"""Scores of a generator while it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from semsynth.errors import EvaluationError
from semsynth.evaluation.builder import build_evaluator
from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.maps import JudgedMaps
from semsynth.evaluation.measured import Measured
from semsynth.evaluation.run_evaluation import Piece, fitting_batch, own_batches
from semsynth.evaluation.sampler import Sampler
from semsynth.interfaces import Generator, Progress, StyleEncoder
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.data_sets import DataSets
from semsynth.metrics.features import FeatureChoice
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.statistics import silent
from semsynth.segmenters.judge import Judge, NoJudge
from semsynth.sharing import shared


class ValidationScores:
    """Scores on label maps of the validation split, with styles that are the same every time.

    Several processes share the batches, and all get the scores of all samples.

    Args:
        protocol: How scores are taken. A style of photographs becomes a drawn one where there is no encoder; the
            diversity of samples is left to evaluate.py.
        judge: Segmenter of the data set's classes; None: no mIoU and accuracy.
        count: Label maps; None: as the protocol says.
        wanted: Kinds of scores that must be had; None: all that can.
        splits: Real images to measure distances to: `train`, `val` or both.
        features: Networks whose features are compared and must be had; None: those of the data set that are there.
        inception_weights: File of the Inception network's weights; None: see `InceptionFeatures`.
        dinov2_weights: File of DINOv2's weights; None: the one in the folder of weights.
        cache: Folder of the statistics of real images; None: the default one.
    """

    def __init__(self, protocol: Protocol, judge: Judge | NoJudge | None = None, *, count: int | None = None,
                 wanted: Sequence[str] | None = None, splits: Sequence[str] = ("train", "val"),
                 features: Sequence[str] | str | None = None, inception_weights: str | Path | None = None,
                 dinov2_weights: str | Path | None = None, cache: str | Path | None = None) -> None:
        self.protocol = replace(protocol, diversity_maps=0, count=count or protocol.count)
        self.judge, self.wanted, self.splits = judge, wanted, list(splits)
        self.choice, self.cache = FeatureChoice(features, inception_weights, dinov2_weights), cache
        self._evaluator: Evaluator | None = None

    def prepare(self, data: DataSets, size: Sequence[int], device: torch.device,
                progress: Progress = silent) -> dict[str, str]:
        """Measure the real images; return the scores that cannot be had, with the reason.

        Args:
            data: The data set.
            size: (H,W) of the images.
            device: Where to compute.
            progress: Wraps the loops over real images.

        Raises:
            EvaluationError: a wanted score cannot be had.
            SegmenterError: the segmenter's classes are not the data set's.
        """
        self._maps = JudgedMaps(data.maps(self.protocol), self.protocol)
        self._classes, self._device = data.facts["num_classes"], device
        self._batch = fitting_batch(size[0], size[1], judge=self.judge)
        real = {split: build for split, build in data.real(self.protocol, size).items() if split in self.splits}
        self._evaluator, skipped = build_evaluator(
            self.protocol, dataset=data.name, classes=data.classes, unknown=data.unknown, judge=self.judge, real=real,
            wanted=self.wanted, choice=self.choice.usually(data.features), cache=StatisticsCache(self.cache),
            batch=self._batch, device=device, progress=progress, trains_judge=data.trains_judge(size))
        return skipped

    def __call__(self, generator: Generator, encoder: StyleEncoder | None,
                 between: Callable[[], None] = lambda: None) -> dict[str, float]:
        """The scores by key, such as `miou` and `fid/val`.

        Args:
            generator: Left in evaluation mode.
            encoder: Says the style of photographs; or None.
            between: Called after every batch, equally often on all processes.

        Raises:
            EvaluationError: fewer than two label maps, or an image with NaN.
        """
        if self._evaluator is None:
            raise EvaluationError("call prepare() first")
        style = "normal" if encoder is None else self.protocol.style
        sampler = Sampler(generator, encoder, num_classes=self._classes, style=style, seed=self.protocol.seed,
                          device=self._device)
        evaluator = self._evaluator

        def measure(piece: Piece) -> Measured:
            samples, positions = piece
            return evaluator.measure(sampler.draw(samples, positions), samples["truth"], positions=positions,
                                     names=samples["name"], where="the generator in training")

        evaluator.reset()
        own, count = own_batches(self._maps, self._batch)
        for found in shared(own, measure, count, "scores"):
            evaluator.add(found)
            between()
        return evaluator.compute().scores
