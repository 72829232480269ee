"""Building an evaluator from what there is: which scores can be had, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from semsynth.data.errors import DataError
from semsynth.evaluation.cache import StatisticsCache
from semsynth.evaluation.diversity import Diversity, JudgeDistance, Lpips
from semsynth.evaluation.errors import EvaluationError
from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.features import Features, InceptionFeatures, JudgeFeatures
from semsynth.evaluation.protocol import Protocol
from semsynth.evaluation.real import RealImages
from semsynth.evaluation.statistics import FeatureSet, Progress, real_statistics
from semsynth.evaluation.style_recovery import StyleRecovery
from semsynth.evaluation.without_networks import PixelDistance, PixelFeatures

KINDS = ("fid", "kid", "frechet", "miou", "accuracy", "diversity", "style_r2")
OFF = "not asked for"
NO_JUDGE = "no segmenter is given: segmenter=FILE.safetensors"


def silent(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """No progress bar."""
    return items


class Assembly:
    """Collects the parts of an evaluator; what cannot be had is skipped with its reason, unless it is asked for.

    Args:
        protocol: How scores are taken.
        wanted: Kinds of scores (`KINDS`) that must be had; None: all that can.
        pixels: Whether the pixels are compared where there is no network to do it, and nothing in particular is asked
            for.
        trains_judge: Command that trains a segmenter for the data set, for messages.

    Raises:
        EvaluationError: an unknown kind.
    """

    def __init__(self, protocol: Protocol, wanted: Sequence[str] | None = None, pixels: bool = False,
                 trains_judge: str = "python tools/train_segmenter.py dataset=...") -> None:
        unknown = [kind for kind in wanted or () if kind not in KINDS]
        if unknown:
            raise EvaluationError(f"wanted={unknown[0]}: there are {', '.join(KINDS)}")
        self.protocol, self.wanted = protocol, None if wanted is None else list(wanted)
        self.pixels = pixels and wanted is None
        self.no_judge = f"{NO_JUDGE} ({trains_judge} makes one)"
        self.skipped: dict[str, str] = {}

    def wants(self, *kinds: str) -> bool:
        """Whether one of the kinds is asked for, or nothing in particular is."""
        return self.wanted is None or any(kind in self.wanted for kind in kinds)

    def skip(self, keys: Sequence[str], reason: str) -> None:
        """Note that scores cannot be had.

        Raises:
            EvaluationError: one of them was asked for.
        """
        asked = [key for key in keys if self.wanted is not None and key.split("/")[0] in self.wanted]
        if asked:
            raise EvaluationError(f"{asked[0]}: {reason}")
        self.skipped |= dict.fromkeys(keys, reason)

    def features(self, judge: Any, inception_weights: str | Path | None) -> list[Features]:
        """The networks whose features are compared."""
        found: list[Features] = []
        if self.wants("fid", "kid"):
            try:
                found.append(InceptionFeatures(inception_weights, self.protocol.inception_resize))
            except EvaluationError as error:
                if inception_weights is not None:  # given by name, so asked for
                    raise
                self.skip(["fid/train", "fid/val", "kid/train", "kid/val"], str(error))
        if self.wants("frechet"):
            if judge is None:
                self.skip(["frechet"], self.no_judge)
            else:
                found.append(JudgeFeatures(judge))
        return found if found or not self.pixels else [PixelFeatures()]

    def statistics(self, nets: Sequence[Features], real: Mapping[str, Callable[[], RealImages]], *,
                   cache: StatisticsCache, batch: int, workers: int, device: torch.device | str,
                   progress: Progress = silent) -> dict[str, dict[str, FeatureSet]]:
        """Statistics of the real images of every split for every network, by its name."""
        found: dict[str, dict[str, FeatureSet]] = {net.name: {} for net in nets}
        for split, build in real.items() if nets else ():
            try:
                images = build()
            except (DataError, ValueError, FileNotFoundError) as error:
                keys = [key for net in nets for key in score_keys(net, split)]
                self.skip(keys, f"no real images of {split}: {next(iter(str(error).splitlines()), error)}")
                continue
            if len(images) < 2:
                raise EvaluationError(f"{split}: Frechet distances need two or more real images, got {len(images)}")
            for net in nets:
                pool = self.protocol.kid_pool if net.name == InceptionFeatures.name else 0
                found[net.name][split] = real_statistics(
                    images, net, images.identity(), pool=pool, cache=cache, batch=1 if images.native_sizes else batch,
                    workers=workers, device=device, progress=progress, title=f"real {split} images, {net.name}")
        return found

    def diversities(self, judge: Any, styled: bool) -> list[Diversity]:
        """The distances of samples."""
        names = ["diversity/lpips", f"diversity/{judge.name}"] if judge is not None else ["diversity/lpips"]
        if not self.wants("diversity") or not self.protocol.diversity_maps:
            return []
        if not styled:
            self.skip(names, "the images have no styles to choose from: a label map has one picture")
            return []
        found = []
        try:
            found.append(Diversity(Lpips(self.protocol.lpips_network)))
        except EvaluationError as error:
            if judge is None:
                self.skip(names, str(error))
            self.skipped["diversity/lpips"] = str(error)
        if judge is not None:
            found.append(Diversity(JudgeDistance(judge)))
        return found if found or not self.pixels else [Diversity(PixelDistance())]

    def recovery(self, known_style: bool, style_of_images: bool) -> StyleRecovery | None:
        """The reader of styles, on data whose style is known and images in the style of photographs."""
        if not self.wants("style_r2"):
            return None
        if not known_style:  # as everywhere but on scenes: nobody misses it
            if self.wanted is not None:
                self.skip(["style_r2"], "only the data set scenes knows the style of its images")
            return None
        if not style_of_images:
            self.skip(["style_r2"], "the images are not in the style of given photographs (style=image)")
            return None
        from semsynth.evaluation.style_regressor import load_style_regressor

        try:
            return StyleRecovery(load_style_regressor())
        except EvaluationError as error:
            self.skip(["style_r2"], str(error))
            return None

    def judge(self, judge: Any) -> Any:
        """The segmenter, where its scores are wanted."""
        if not self.wants("miou", "accuracy"):
            return None
        if judge is None:
            self.skip(["miou", "accuracy"], self.no_judge)
        return judge


def score_keys(net: Features, split: str) -> list[str]:
    """The keys of the scores that a network's features give against a split."""
    if net.name == InceptionFeatures.name:
        return [f"fid/{split}", f"kid/{split}"]
    return [f"frechet/{net.name}" if split == "val" else f"frechet/{net.name}/{split}"]


def build_evaluator(
    protocol: Protocol,
    *,
    dataset: str,
    classes: Sequence[str],
    unknown: int | None,
    judge: Any,
    real: Mapping[str, Callable[[], RealImages]],
    wanted: Sequence[str] | None = None,
    inception_weights: str | Path | None = None,
    styled: bool = False,
    style_of_images: bool = False,
    known_style: bool = False,
    cache: StatisticsCache | None = None,
    batch: int = 16,
    workers: int = 0,
    device: torch.device | str = "cpu",
    count: int | None = None,
    progress: Progress = silent,
    **how: Any,
) -> tuple[Evaluator, dict[str, str]]:
    """An evaluator of all scores that can be had, on a device, and the reasons why others cannot.

    Measures the real images where no earlier evaluation did; with torch.distributed the processes share that.

    Args:
        protocol: How scores are taken; the evaluator's is settled for the data set and the judge.
        dataset: Name of the data set.
        classes: Names of its classes.
        unknown: Index of its unknown class, or None.
        judge: Segmenter, or None.
        real: Builds the real images of each split (`train`, `val`).
        wanted: Kinds of scores that must be had; None: all that can.
        inception_weights: File of the Inception network's weights; None: torchmetrics downloads them.
        styled: Whether samples of one label map can be drawn.
        style_of_images: Whether the generated images are in the style of the photographs.
        known_style: Whether the data set knows the style of its images.
        cache: Of the statistics; None: the default folder.
        batch: Images at a time.
        workers: Processes that load images.
        device: Where the networks run.
        count: See `Evaluator`.
        progress: Wraps the loops over real images.
        how: `pixels` and `trains_judge` of `Assembly`.

    Raises:
        EvaluationError: a score that was asked for cannot be had.
    """
    protocol = protocol.settled(dataset, judge)  # before a judge that is not asked is left out
    assembly = Assembly(protocol, wanted, **how)
    if judge is not None:
        judge.check_classes(list(classes))
    nets = assembly.features(judge, inception_weights)
    statistics = assembly.statistics(nets, real, cache=cache or StatisticsCache(), batch=batch, workers=workers,
                                     device=device, progress=progress)
    evaluator = Evaluator(
        protocol, classes, unknown=unknown, judge=assembly.judge(judge), features=nets, real=statistics,
        diversities=assembly.diversities(judge, styled), recovery=assembly.recovery(known_style, style_of_images),
        count=count)
    return evaluator.to(device), assembly.skipped
