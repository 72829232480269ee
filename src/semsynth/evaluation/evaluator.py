"""All scores of generated images, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from semsynth.errors import EvaluationError
from semsynth.evaluation.measured import Measured
from semsynth.evaluation.scores import Scores
from semsynth.metrics.class_diversity import ClassDiversity, Part
from semsynth.metrics.confusion import Confusion, rare_classes, rare_iou
from semsynth.metrics.diversity import Diversity
from semsynth.metrics.features import Features, InceptionFeatures
from semsynth.metrics.kid import kernel_distance
from semsynth.metrics.neighbours import neighbourhoods
from semsynth.metrics.paired_score import PairedScore, Rows
from semsynth.metrics.pixels import check_finite, common_size, eight_bits, resized
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.statistics import FeatureSet
from semsynth.metrics.style_recovery import StyleRecovery
from semsynth.segmenters.judge import Judge

NEIGHBOURS = ("precision", "recall", "density", "coverage")


class Evaluator:
    """Scores of generated images; `reset`, then `update` for every batch, then `compute`.

    `update` has two halves, `measure` for the networks and `add` for the sums: where several processes share the work,
    each measures its batches, and adds those of all in the order of the set (`semsynth.sharing`).

    Args:
        protocol: How scores are taken.
        classes: Names of the data set's classes.
        unknown: Index of its unknown class, whose pixels do not count; None where there is none.
        judge: Segmenter of the data set's classes; None: no mIoU and accuracy.
        features: Networks of the Frechet distances; the one called `inception` gives FID. Those that are `general` give
            kernel distances and nearest neighbours besides.
        real: For each of them, by name, the statistics of real images by split (`train`, `val`). Where `val` is
            missing, the `real` images of the first `update` round serve.
        diversities: Distances whose means over samples are taken, see `update_diversity`.
        recovery: Reads styles off images; None: no style scores.
        class_diversities: Distances of samples that differ in the style of a class or an instance, see `measure_parts`.
        paired: Scores of images beside the photographs in whose style they are.
        dataset: Name of the data set, for what a protocol says of single ones.

    Raises:
        EvaluationError: the judge has other classes.
    """

    def __init__(
        self,
        protocol: Protocol,
        classes: Sequence[str],
        *,
        unknown: int | None = None,
        judge: Judge | None = None,
        features: Sequence[Features] = (),
        real: Mapping[str, Mapping[str, FeatureSet]] | None = None,
        diversities: Sequence[Diversity] = (),
        recovery: StyleRecovery | None = None,
        class_diversities: Sequence[ClassDiversity] = (),
        paired: Sequence[PairedScore] = (),
        dataset: str | None = None,
    ) -> None:
        self.protocol, self.classes, self.judge = protocol.settled(dataset, judge), list(classes), judge
        self.counted = self._counted(unknown)
        self.features = list(features)
        self.real = {net.name: dict((real or {}).get(net.name, {})) for net in self.features}
        self.diversities, self.recovery = list(diversities), recovery
        self.class_diversities, self.paired = list(class_diversities), [Rows(score) for score in paired]
        self.confusion = self.protocol.confusion(len(self.classes), self.counted)
        self.reset()

    def _counted(self, unknown: int | None) -> list[int]:
        """The classes whose pixels count."""
        strange = [name for name in self.protocol.ignore if name not in self.classes]
        if strange:
            raise EvaluationError(f"protocol.ignore names {', '.join(strange)}, which the data set does not have: its "
                                  f"classes are {', '.join(self.classes)}")
        left_out = {unknown} | {self.classes.index(name) for name in self.protocol.ignore}
        known: Sequence[int] = range(len(self.classes))
        if self.judge is not None:
            self.judge.check_classes(self.classes)
            known = self.judge.judged
        return [index for index in known if index not in left_out]

    @property
    def ignored(self) -> list[str]:
        """Names of the classes whose pixels do not count."""
        return [name for index, name in enumerate(self.classes) if index not in self.counted]

    def to(self, device: torch.device | str) -> Evaluator:
        """Move the networks to a device."""
        for network in (self.judge, None if self.recovery is None else self.recovery.regressor):
            if network is not None:
                network.to(device)
        for net in self.features:
            net.to(device)
        for distance in [*(d.distance for d in self.diversities), *(d.distance for d in self.class_diversities)]:
            distance.to(device)
        return self

    def reset(self) -> None:
        """Forget the generated images; statistics of real images stay."""
        self._fake = {net.name: FeatureSet(self.protocol.pool(net.general)) for net in self.features}
        self._real_val = {net.name: FeatureSet(self.protocol.pool(net.general)) for net in self.features
                          if "val" not in self.real[net.name]}
        self._images = 0
        self.confusion.reset()
        for diversity in self.diversities:
            diversity.reset()
        for by_class in self.class_diversities:
            by_class.reset()
        for rows in self.paired:
            rows.reset()
        if self.recovery is not None:
            self.recovery.reset()

    def update(self, fake: Tensor, labels: Tensor | Sequence[Tensor], **more: Any) -> None:
        """Measure and add a batch, see `measure`."""
        self.add(self.measure(fake, labels, **more))

    @torch.no_grad()
    def measure(
        self,
        fake: Tensor,
        labels: Tensor | Sequence[Tensor],
        *,
        positions: Tensor | None = None,
        real: Tensor | None = None,
        style: Tensor | None = None,
        known: Mapping[str, Tensor] | None = None,
        names: Sequence[str] | None = None,
        where: str = "generated images",
    ) -> Measured:
        """Have the networks look at a batch.

        Args:
            fake: Generated images (N,3,H,W) in [-1,1], any floating type; rounded to eight bits here.
            labels: (N,h,w) int64, or N maps (h,w) of several sizes.
            positions: (N,) int64, of the samples in the order of the set; None: those after what was added.
            real: The photographs (N,3,H,W) of the label maps, in whose style the images are; for the style scores, and
                for the statistics of the validation split where none were given.
            style: The photographs' true styles (N,3), where they are known.
            known: What else the data set knows of them, see `PairedScore.measure`.
            names: Of the samples, for errors.
            where: What made the images, for errors.

        Raises:
            EvaluationError: an image holds NaN or infinite values.
        """
        if positions is None:
            positions = torch.arange(self._images, self._images + len(fake))
        check_finite(fake, names or [f"sample {int(p)}" for p in positions], where)
        fake = eight_bits(fake)
        real = None if real is None else eight_bits(real.to(fake.device))
        return Measured(
            positions.cpu(), {net.name: net(fake).cpu() for net in self.features},
            {net.name: net(real).cpu() for net in self.features if real is not None and net.name in self._real_val},
            None if self.judge is None else self._segment(self.judge, fake, labels),
            None if self.recovery is None or real is None else self.recovery.read(fake, real, style),
            [] if real is None else [rows.score.measure(fake, real, known or {}) for rows in self.paired])

    def _segment(self, judge: Judge, fake: Tensor, labels: Tensor | Sequence[Tensor]) -> Confusion:
        """Compare the segmenter's answer with the label maps, those of one size at a time."""
        images = resized(fake, self.protocol.segmenter_size)
        found = self.protocol.confusion(len(self.classes), self.counted)
        for size in sorted({common_size(truth) for truth in labels}):
            rows = [row for row, truth in enumerate(labels) if common_size(truth) == size]
            guess = judge.logits(images[rows], size).argmax(1)
            found.update(guess, torch.stack([labels[row] for row in rows]).to(guess.device))
        return found

    def add(self, found: Measured) -> None:
        """Add what was measured in a batch."""
        self._images += len(found.positions)
        for sets, vectors in ((self._fake, found.fake), (self._real_val, found.real)):
            for name, of_net in vectors.items():
                sets[name].update(of_net, found.positions)
        if found.confusion is not None:
            self.confusion.merge(found.confusion)
        if self.recovery is not None and found.styles is not None:
            self.recovery.add(found.styles)
        if found.paired:
            for rows, of_batch in zip(self.paired, found.paired, strict=True):
                rows.add(of_batch)

    @torch.no_grad()
    def measure_diversity(self, samples: Tensor) -> list[Tensor]:
        """Have the networks look at samples (S,N,3,H,W) of N label maps; for `add_diversity`."""
        rounded = torch.stack([eight_bits(images) for images in samples])
        return [diversity.distances(rounded) for diversity in self.diversities]

    def add_diversity(self, found: Sequence[Tensor]) -> None:
        """Add what was measured of samples."""
        for diversity, distances in zip(self.diversities, found, strict=True):
            diversity.add(distances)

    @torch.no_grad()
    def measure_parts(self, samples: Iterable[tuple[Tensor, Tensor]], part: Part) -> list[list[Tensor]]:
        """Have the networks look at samples (S,M,3,H,W) that differ in a class or an instance, with its pixels (M,H,W).

        For `add_parts`: of every distance what it found, a tensor for each of them.
        """
        asked = self._of_part(part)
        found: list[list[Tensor]] = [[] for _ in asked]
        for images, inside in samples:
            rounded = torch.stack([eight_bits(image) for image in images])
            for diversity, kept in zip(asked, found, strict=True):
                kept.append(diversity.distances(rounded, inside))
        return found

    def add_parts(self, found: Sequence[Sequence[Tensor]], part: Part) -> None:
        """Add what was measured of samples that differ in a class or an instance."""
        for diversity, of_parts in zip(self._of_part(part), found, strict=True):
            for distances in of_parts:
                diversity.add(distances)

    def _of_part(self, part: Part) -> list[ClassDiversity]:
        return [diversity for diversity in self.class_diversities if diversity.part == part]

    def compute(self) -> Scores:
        """The scores of all that was added.

        Raises:
            EvaluationError: fewer than two images.
        """
        if self._images < 2:
            raise EvaluationError(f"scores need two or more generated images, got {self._images}")
        found = Scores({}, count=self._images)
        for net in self.features:
            self._distances(net, found)
        if self.judge is not None:
            self._segmentation(found)
        for diversity in self.diversities:
            found.scores[f"diversity/{diversity.distance.name}"] = diversity.compute()
        for by_class in self.class_diversities:
            name = by_class.distance.name
            found.scores |= {f"{kind}/{name}": value for kind, value in by_class.compute().items()}
        for rows in self.paired:
            found.scores |= rows.compute()
        if self.recovery is not None:
            transfer, found.regressor_r2 = self.recovery.compute()
            found.scores |= {f"style_r2/{name}": value for name, value in transfer.items()}
        for key, value in list(found.scores.items()):
            if not math.isfinite(value):
                del found.scores[key]
                found.skipped[key] = "no image that counts for it"
        return found

    def _distances(self, net: Features, found: Scores) -> None:
        fake = self._fake[net.name]
        if net.name in self._real_val and self._real_val[net.name].count >= 2:
            self.real[net.name]["val"] = self._real_val.pop(net.name)
        for split, real in self.real[net.name].items():
            assert fake.moments is not None
            assert real.moments is not None
            keys = score_keys(net, split)
            found.scores[keys["frechet"]] = fake.moments.distance(real.moments)
            if net.general and real.pool:  # others' statistics hold no vectors
                self._compare_vectors(real.vectors, fake.vectors, keys, found)

    def _compare_vectors(self, real: Tensor, fake: Tensor, keys: Mapping[str, str], found: Scores) -> None:
        protocol = self.protocol
        found.scores[keys["kid"]] = kernel_distance(
            fake, real, subsets=protocol.kid_subsets, subset_size=protocol.kid_subset_size, seed=protocol.seed).mean
        try:
            near = neighbourhoods(real, fake, protocol.neighbours)
        except ValueError as error:
            found.skipped |= {keys[kind]: str(error) for kind in NEIGHBOURS}
        else:
            found.scores |= {keys[kind]: getattr(near, kind) for kind in NEIGHBOURS}

    def _segmentation(self, found: Scores) -> None:
        scores = self.confusion.compute()
        found.scores |= {"miou": scores.miou, "accuracy": scores.accuracy,
                         "miou_rare": rare_iou(scores.iou, scores.frequency, self.counted)}
        found.rare = [self.classes[index] for index in rare_classes(scores.frequency, self.counted)]
        for index in self.counted:
            iou = float(scores.iou[index])
            found.iou[self.classes[index]] = iou if math.isfinite(iou) else None
            found.frequency[self.classes[index]] = float(scores.frequency[index])


def score_keys(net: Features, split: str) -> dict[str, str]:
    """The keys of the scores that a network's features give against the real images of a split, by kind.

    FID is the Frechet distance in Inception's features, and nothing else is; FID and KID name the split alone.
    """
    place = net.name if split == "val" else f"{net.name}/{split}"
    kinds = ("frechet", "kid", *NEIGHBOURS) if net.general else ("frechet",)
    keys = {kind: f"{kind}/{place}" for kind in kinds}
    return keys | ({"frechet": f"fid/{split}", "kid": f"kid/{split}"} if net.name == InceptionFeatures.name else {})
