"""All scores of generated images, a batch at a time, the same on one process as on several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from semsynth.errors import EvaluationError
from semsynth.metrics.confusion import rare_classes, rare_iou
from semsynth.metrics.distributed import all_sum
from semsynth.metrics.diversity import Diversity
from semsynth.metrics.features import Features, InceptionFeatures
from semsynth.metrics.kid import kernel_distance
from semsynth.metrics.neighbours import neighbourhoods
from semsynth.metrics.pixels import check_finite, common_size, eight_bits, resized
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.statistics import FeatureSet
from semsynth.metrics.style_recovery import StyleRecovery

NEIGHBOURS = ("precision", "recall", "density", "coverage")


@dataclass
class Scores:
    """What an evaluation found.

    Attributes:
        scores: By key: fid/val, kid/val, frechet/NAME, kid/NAME, precision/NAME, miou, accuracy, diversity/NAME ...
        iou: IoU by class; None for a class that occurs nowhere.
        frequency: Share of the counted label pixels by class.
        regressor_r2: R^2 of the style regressor on the real images, by variable.
        count: Generated images.
        skipped: Keys that have no score, with the reason.
        rare: The classes of `miou_rare`: the third with the fewest label pixels, the rarest first.
        segmenter: Of a run with a segmenter in the loop, see `by_product.ByProduct`.
    """

    scores: dict[str, float]
    iou: dict[str, float | None] = field(default_factory=dict)
    frequency: dict[str, float] = field(default_factory=dict)
    regressor_r2: dict[str, float] = field(default_factory=dict)
    count: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    rare: list[str] = field(default_factory=list)
    segmenter: Any = None


class Evaluator:
    """Scores of generated images; `reset`, then `update` for every batch, then `compute`.

    With torch.distributed every process updates with its own samples, and `compute` gives all of them the scores of all
    samples. Positions tell the samples apart, so that those that only pad a rank's last batch do not count twice.

    Args:
        protocol: How scores are taken.
        classes: Names of the data set's classes.
        unknown: Index of its unknown class, whose pixels do not count; None where there is none.
        judge: Segmenter (`semsynth.segmenters.judge.Judge`) of the data set's classes; None: no mIoU and accuracy.
        features: Networks of the Frechet distances; the one called `inception` gives FID. Those that are `general` give
            kernel distances and nearest neighbours besides.
        real: For each of them, by name, the statistics of real images by split (`train`, `val`). Where `val` is
            missing, the `real` images of the first `update` round serve.
        diversities: Distances whose means over samples are taken, see `update_diversity`.
        recovery: Reads styles off images; None: no style scores.
        count: Samples in the set; positions from there on are padding. None: nothing is padded.
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
        judge: Any = None,
        features: Sequence[Features] = (),
        real: Mapping[str, Mapping[str, FeatureSet]] | None = None,
        diversities: Sequence[Diversity] = (),
        recovery: StyleRecovery | None = None,
        count: int | None = None,
        dataset: str | None = None,
    ) -> None:
        self.protocol, self.classes, self.judge = protocol.settled(dataset, judge), list(classes), judge
        self.counted = self._counted(unknown)
        self.features = list(features)
        self.real = {net.name: dict((real or {}).get(net.name, {})) for net in self.features}
        self.diversities, self.recovery, self.count = list(diversities), recovery, count
        self.confusion = self.protocol.confusion(len(self.classes), self.counted)
        self.reset()

    def _counted(self, unknown: int | None) -> list[int]:
        """The classes whose pixels count."""
        strange = [name for name in self.protocol.ignore if name not in self.classes]
        if strange:
            raise EvaluationError(f"protocol.ignore names {', '.join(strange)}, which the data set does not have: its "
                                  f"classes are {', '.join(self.classes)}")
        left_out = {unknown} | {self.classes.index(name) for name in self.protocol.ignore}
        known = range(len(self.classes))
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
        movable = [self.judge, *self.features, *(d.distance for d in self.diversities)]
        movable.append(None if self.recovery is None else self.recovery.regressor)
        for network in movable:
            if hasattr(network, "to"):
                network.to(device)
        return self

    def reset(self) -> None:
        """Forget the generated images; statistics of real images stay."""
        self._fake = {net.name: FeatureSet(self.protocol.pool(net.general)) for net in self.features}
        self._real_val = {net.name: FeatureSet(self.protocol.pool(net.general)) for net in self.features
                          if "val" not in self.real[net.name]}
        self._width: dict[str, int] = {}
        self._seen = self._images = 0  # samples with and without padding
        self.confusion.reset()
        for diversity in self.diversities:
            diversity.reset()
        if self.recovery is not None:
            self.recovery.reset()

    @torch.no_grad()
    def update(
        self,
        fake: Tensor,
        labels: Tensor | Sequence[Tensor],
        *,
        positions: Tensor | None = None,
        real: Tensor | None = None,
        style: Tensor | None = None,
        names: Sequence[str] | None = None,
        where: str = "generated images",
    ) -> None:
        """Add a batch.

        Args:
            fake: Generated images (N,3,H,W) in [-1,1], any floating type; rounded to eight bits here.
            labels: (N,h,w) int64, or N maps (h,w) of several sizes.
            positions: (N,) int64, of the samples in the order that all processes share (`sharing.positions_of`); None:
                those after the last batch, for a single process.
            real: The photographs (N,3,H,W) of the label maps, in whose style the images are; for the style scores, and
                for the statistics of the validation split where none were given.
            style: The photographs' true styles (N,3), where they are known.
            names: Of the samples, for errors.
            where: What made the images, for errors.

        Raises:
            EvaluationError: an image holds NaN or infinite values.
        """
        if positions is None:
            positions = torch.arange(self._seen, self._seen + len(fake))
        self._seen += len(fake)
        positions = positions.cpu()
        keep = torch.ones(len(fake), dtype=torch.bool) if self.count is None else positions < self.count
        check_finite(fake, names or [f"sample {int(p)}" for p in positions], where)
        if not keep.any():
            return
        chosen = keep.nonzero().flatten().tolist()
        self._images += len(chosen)
        fake, positions = eight_bits(fake[chosen]), positions[chosen]
        real = None if real is None else eight_bits(real[chosen].to(fake.device))
        for net in self.features:
            self._add(self._fake, net, fake, positions)
            if real is not None and net.name in self._real_val:
                self._add(self._real_val, net, real, positions)
        if self.judge is not None:
            self._segment(fake, [labels[index] for index in chosen])
        if self.recovery is not None and real is not None:
            self.recovery.update(fake, real, positions, None if style is None else style[chosen])

    def _add(self, sets: dict[str, FeatureSet], net: Features, images: Tensor, positions: Tensor) -> None:
        vectors = net(images)
        self._width[net.name] = vectors.shape[1]
        sets[net.name].update(vectors, positions)

    def _segment(self, fake: Tensor, labels: Sequence[Tensor]) -> None:
        """Compare the segmenter's answer with the label maps, those of one size at a time."""
        images = resized(fake, self.protocol.segmenter_size)
        for size in sorted({common_size(truth) for truth in labels}):
            rows = [row for row, truth in enumerate(labels) if common_size(truth) == size]
            guess = self.judge.logits(images[rows], size).argmax(1)
            self.confusion.update(guess, torch.stack([labels[row] for row in rows]).to(guess.device))

    @torch.no_grad()
    def update_diversity(self, samples: Tensor) -> None:
        """Add samples (S,N,3,H,W) of N label maps; each label map on one process only."""
        for diversity in self.diversities:
            diversity.update(torch.stack([eight_bits(images) for images in samples]))

    def compute(self) -> Scores:
        """The scores of all samples on all processes. Every process must call it.

        Raises:
            EvaluationError: fewer than two images.
        """
        images = int(all_sum(torch.tensor(self._images)))
        if images < 2:
            raise EvaluationError(f"scores need two or more generated images, got {images}")
        found = Scores({}, count=images)
        for net in self.features:
            self._distances(net, found)
        if self.judge is not None:
            self._segmentation(found)
        for diversity in self.diversities:
            found.scores[f"diversity/{diversity.distance.name}"] = diversity.compute()
        if self.recovery is not None:
            transfer, found.regressor_r2 = self.recovery.compute()
            found.scores |= {f"style_r2/{name}": value for name, value in transfer.items()}
        for key, value in list(found.scores.items()):
            if not math.isfinite(value):
                del found.scores[key]
                found.skipped[key] = "no image that counts for it"
        return found

    def _distances(self, net: Features, found: Scores) -> None:
        # A rank whose samples were all padding knows no width.
        total, ranks = all_sum(torch.tensor([self._width.get(net.name, 0), int(net.name in self._width)])).tolist()
        width = total // max(1, ranks)
        fake = self._fake[net.name].shared(width)
        if net.name in self._real_val:
            seen = self._real_val[net.name].shared(width)
            if seen.count >= 2:
                self.real[net.name]["val"] = seen
                del self._real_val[net.name]
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
