"""The parts of an evaluator: which scores can be had, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch

from semsynth.errors import DataError, EvaluationError
from semsynth.evaluation.evaluator import NEIGHBOURS, score_keys
from semsynth.interfaces import Progress
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.class_diversity import KINDS as PART_KINDS
from semsynth.metrics.class_diversity import ClassDiversity, Part
from semsynth.metrics.colour_recovery import ColourRecovery
from semsynth.metrics.diversity import Distance, Diversity, JudgeDistance, Lpips
from semsynth.metrics.features import (
    DINOv2Features,
    EfficientNetFeatures,
    FeatureChoice,
    Features,
    InceptionFeatures,
    JudgeFeatures,
)
from semsynth.metrics.given_statistics import NO_VECTORS, GivenStatistics
from semsynth.metrics.paired_score import PairedScore
from semsynth.metrics.pixel_features import PixelDistance, PixelFeatures
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import RealImages
from semsynth.metrics.reconstruction import Reconstruction
from semsynth.metrics.statistics import FeatureSet, real_statistics, silent
from semsynth.metrics.style_recovery import StyleRecovery
from semsynth.pretrained.folder import MissingWeights, tool
from semsynth.segmenters.judge import Judge
from semsynth.spelling import as_typed_here

GENERAL = ("kid", *NEIGHBOURS)  # kinds that features must be general for
KINDS = ("fid", "frechet", *GENERAL, "miou", "accuracy", "diversity", "mcsd", "mocd", "misd", "moisd",
         "style_r2", "region", "reconstruction")
TRAINS_JUDGE = "python tools/train_segmenter.py dataset=..."
NO_JUDGE = "no segmenter is given: segmenter=FILE.safetensors"


class Assembly:
    """Collects the parts of an evaluator; what cannot be had is skipped with its reason, unless it is asked for.

    Args:
        protocol: How scores are taken.
        wanted: Kinds of scores (`KINDS`) that must be had; None: all that can.
        pixels: Whether the pixels are compared where there is no network to do it, and nothing in particular is asked
            for.
        trains_judge: Command that trains a segmenter for the data set, for messages.
        no_judge: Why there is no segmenter; None: none is given.
        dataset: Name of the data set, for messages.

    Raises:
        EvaluationError: an unknown kind.
    """

    def __init__(self, protocol: Protocol, wanted: Sequence[str] | None = None, pixels: bool = False,
                 trains_judge: str = TRAINS_JUDGE, no_judge: str | None = None,
                 dataset: str | None = None) -> None:
        unknown = [kind for kind in wanted or () if kind not in KINDS]
        if unknown:
            raise EvaluationError(f"wanted={unknown[0]}: there are {', '.join(KINDS)}")
        self.protocol, self.wanted = protocol, None if wanted is None else list(wanted)
        self.pixels = pixels and wanted is None
        self.no_judge = no_judge or as_typed_here(f"{NO_JUDGE} ({trains_judge} makes one)")
        self.listed = tool(dataset)
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

    def features(self, judge: Judge | None, choice: FeatureChoice | None = None) -> list[Features]:
        """The networks whose features are compared.

        Args:
            judge: Segmenter, or None.
            choice: Which; None: what there is, see `FeatureChoice`.

        Raises:
            EvaluationError: one that is named, or whose scores are asked for, cannot be had.
        """
        choice = choice or FeatureChoice()
        found: list[Features] = []
        missing: list[tuple[list[str], str]] = []

        def take(name: str, make: Callable[[], Features], keys: Sequence[str]) -> None:
            try:
                found.append(make())
            except (EvaluationError, MissingWeights) as error:
                reason = self.reason(error)
                if choice.demands(name):
                    raise EvaluationError(reason) from error
                missing.append((list(keys), reason))

        if choice.allows("inception") and self.wants("fid", *GENERAL):
            take("inception", lambda: InceptionFeatures(choice.inception, self.protocol.inception_resize),
                 ["fid/train", "fid/val", "kid/train", "kid/val"])
        if self.wants("frechet", *GENERAL):
            name = EfficientNetFeatures.name
            if choice.demands(name) or (choice.allows(name) and not found):
                take(name, EfficientNetFeatures, [f"frechet/{name}", f"kid/{name}"])
            file = choice.dinov2_file() if choice.allows("dinov2") else None
            if file is not None:
                take("dinov2", lambda: DINOv2Features(file), [f"frechet/{file}"])
        if choice.allows("segmenter") and self.wants("frechet"):
            if judge is not None:
                found.append(JudgeFeatures(judge))
            elif choice.demands("segmenter"):
                raise EvaluationError(f"features: {self.no_judge}")
            elif not any(gives(net, "frechet") for net in found):
                missing.append((["frechet"], self.no_judge))
        if choice.demands("pixels") or (not found and self.pixels and choice.names is None):
            found.append(PixelFeatures())
        for keys, reason in missing:
            lacking = [key for key in keys if not any(gives(net, key.split("/")[0]) for net in found)]
            self.skip(lacking, reason)
            self.skipped |= dict.fromkeys(keys, reason)
        for kind in ("fid", "frechet", *GENERAL):
            if kind in (self.wanted or ()) and not any(gives(net, kind) for net in found):
                raise EvaluationError(f"{kind}: " + (missing[0][1] if missing else "no network of features= gives it"))
        return found

    def reason(self, error: Exception) -> str:
        """Why something cannot be had, and which command says where its weights come from."""
        return f"{error}: {self.listed}" if isinstance(error, MissingWeights) else str(error)

    def statistics(self, nets: Sequence[Features], real: Mapping[str, Callable[[], RealImages]], *,
                   cache: StatisticsCache, batch: int, workers: int, device: torch.device | str,
                   progress: Progress = silent, given: GivenStatistics | None = None
                   ) -> dict[str, dict[str, FeatureSet]]:
        """Statistics of the real images of every split for every network, by its name; those `given` as they are.

        Raises:
            EvaluationError: statistics are given for Inception's features, which cannot be had; or too few images.
        """
        found: dict[str, dict[str, FeatureSet]] = {net.name: {} for net in nets}
        if given is not None:
            if InceptionFeatures.name not in found:
                raise EvaluationError("real_statistics are of Inception's features, which are not there: "
                                      + self.skipped.get("fid/train", "features= or wanted= leaves them out"))
            found[InceptionFeatures.name][given.split] = given.features()
        for split, build in real.items():
            measured = [net for net in nets if split not in found[net.name]]
            for net in nets:
                if net not in measured:
                    keys = score_keys(net, split)
                    self.skip([keys[kind] for kind in GENERAL], NO_VECTORS)
            if not measured:
                continue
            try:
                images = build()
            except (DataError, ValueError, FileNotFoundError) as error:
                lost = [key for net in measured for key in score_keys(net, split).values()]
                self.skip(lost, f"no real images of {split}: {next(iter(str(error).splitlines()), error)}")
                continue
            if len(images) < 2:
                raise EvaluationError(f"{split}: Frechet distances need two or more real images, got {len(images)}")
            for net in measured:
                pool = self.protocol.pool(net.general)
                found[net.name][split] = real_statistics(
                    images, net, images.identity(), pool=pool, cache=cache, batch=1 if images.native_sizes else batch,
                    workers=workers, device=device, progress=progress, title=f"real {split} images, {net.name}")
        return found

    def diversities(self, judge: Judge | None, styled: bool) -> list[Diversity]:
        """The distances of samples."""
        if not self.wants("diversity") or not self.protocol.diversity_maps:
            return []
        keys = _keys(("diversity",), judge)
        if not styled:
            self.skip(keys, "the images have no styles to choose from: a label map has one picture")
            return []
        return [Diversity(distance) for distance in self._distances(judge, keys)]

    def class_diversities(self, judge: Judge | None, parts: Sequence[Part] | None) -> list[ClassDiversity]:
        """The distances of samples that differ in the style of one class; those of one instance only where asked for.

        `parts` is None for images of a folder.
        """
        found: list[ClassDiversity] = []
        for part, kinds in PART_KINDS.items():
            asked = self.wanted is not None and self.wants(*kinds)
            if not (asked or (self.wants(*kinds) and part == "class")) or not self.protocol.diversity_maps:
                continue
            keys = _keys(kinds, judge)
            if parts is not None and part in parts:
                restriction = self.protocol.class_restriction
                found += [ClassDiversity(distance, restriction, part) for distance in self._distances(judge, keys)]
            elif parts is not None or asked:
                self.skip(keys, f"the style of one {part} of a picture cannot be drawn anew")
        return found

    def _distances(self, judge: Judge | None, keys: Sequence[str]) -> list[Distance]:
        """LPIPS and the judge's, as far as they can be had."""
        found: list[Distance] = []
        if isinstance(self._lpips, str):
            if judge is None:
                self.skip(keys, self._lpips)
            self.skipped |= {key: self._lpips for key in keys if key.endswith("/lpips")}
        else:
            found.append(self._lpips)
        if judge is not None:
            found.append(JudgeDistance(judge))
        return found if found or not self.pixels else [PixelDistance()]

    @cached_property
    def _lpips(self) -> Lpips | str:
        """LPIPS, or why it cannot be had."""
        try:
            return Lpips(self.protocol.lpips_network)
        except (EvaluationError, MissingWeights) as error:
            return self.reason(error)

    def paired(self, style_of_images: bool, known_colours: bool, told: bool = True) -> list[PairedScore]:
        """Scores of images in the style of the photographs of their label maps, each beside its photograph.

        `told` is whether it is said that there are none.
        """
        found: list[PairedScore] = []
        names = {"reconstruction": ("ssim", "rmse", "psnr"), "region": ("r2", "r")}
        wanted = [kind for kind in names if self.wants(kind)]
        if "region" in wanted and not known_colours:  # as everywhere but on scenes: nobody misses it
            wanted.remove("region")
            if self.wanted is not None:
                self.skip(["region"], "only the data set scenes knows the colours of its objects")
        for kind in wanted:
            if style_of_images:
                found.append(ColourRecovery() if kind == "region" else Reconstruction(self.protocol.ssim_range))
            elif told or self.wanted is not None:
                self.skip([f"{kind}/{name}" for name in names[kind]],
                          "the images are not in the style of given photographs (style=image)")
        return found

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
        from semsynth.metrics.style_regressor import load_style_regressor

        try:
            return StyleRecovery(load_style_regressor())
        except EvaluationError as error:
            self.skip(["style_r2"], str(error))
            return None

    def judge(self, judge: Judge | None) -> Judge | None:
        """The segmenter, where its scores are wanted."""
        if not self.wants("miou", "accuracy"):
            return None
        if judge is None:
            self.skip(["miou", "accuracy"], self.no_judge)
        return judge


def gives(net: Features, kind: str) -> bool:
    """Whether a network's features give a kind of score."""
    if kind in GENERAL:
        return net.general
    return kind == ("fid" if net.name == InceptionFeatures.name else "frechet")


def _keys(kinds: Sequence[str], judge: Judge | None) -> list[str]:
    return [f"{kind}/{name}" for kind in kinds for name in ("lpips", *([judge.name] if judge is not None else []))]
