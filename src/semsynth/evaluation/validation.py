"""Scores of a generator while it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Subset

from semsynth.errors import EvaluationError
from semsynth.evaluation.builder import build_evaluator, silent
from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.maps import JudgedMaps, collate
from semsynth.evaluation.run_evaluation import fitting_batch
from semsynth.evaluation.sampler import Sampler
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.data_sets import DataSets
from semsynth.metrics.distributed import processes
from semsynth.metrics.features import FeatureChoice
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.statistics import Progress


class ValidationScores:
    """Scores on label maps of the validation split, with styles that are the same every time.

    With torch.distributed every process draws its share, and all get the scores of all samples.

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

    def __init__(self, protocol: Protocol, judge: Any = None, *, count: int | None = None,
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
            batch=self._batch, device=device, count=len(self._maps), progress=progress,
            trains_judge=data.trains_judge(size))
        return skipped

    def __call__(self, generator: Any, encoder: Any, between: Callable[[], None] = lambda: None) -> dict[str, float]:
        """The scores by key, such as `miou` and `fid/val`.

        Args:
            generator: See `semsynth.interfaces.Generator`; left in evaluation mode.
            encoder: See `semsynth.interfaces.StyleEncoder`; or None.
            between: Called after every batch, equally often on all processes.

        Raises:
            EvaluationError: fewer than two label maps, or an image with NaN.
        """
        if self._evaluator is None:
            raise EvaluationError("call prepare() first")
        style = "normal" if encoder is None else self.protocol.style
        painter = Sampler(generator, encoder, num_classes=self._classes, style=style, seed=self.protocol.seed,
                          device=self._device)
        rank, world = processes()
        mine = torch.arange(rank, len(self._maps), world)
        # a generator of its own: the global one belongs to the training
        loader: DataLoader = DataLoader(Subset(self._maps, mine.tolist()), self._batch, collate_fn=collate,
                                        generator=torch.Generator())
        self._evaluator.reset()
        for samples, positions in zip(loader, mine.split(self._batch) if len(mine) else (), strict=True):
            self._evaluator.update(painter.draw(samples, positions), samples["truth"], positions=positions,
                                   names=samples["name"], where="the generator in training")
            between()
        for _ in range(-(-len(self._maps) // (world * self._batch)) - -(-len(mine) // self._batch)):
            between()  # the first process has the most batches
        return self._evaluator.compute().scores
