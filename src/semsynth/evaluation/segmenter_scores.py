"""The segmenter that an unpaired training leaves: how well it segments photographs, and whether it swaps classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from semsynth.metrics.confusion import Confusion, class_iou, rare_iou
from semsynth.metrics.protocol import Protocol
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.semantics.samples import SampleBatch

KINDS = ("segmenter", "agreement")  # beginnings of the scores' keys


class Answers(TypedDict):
    """What scores.json holds of it besides the scores, see `ByProduct`; `swapped` has a row for each."""

    classes: list[str]
    answers: list[str]
    confusion: list[list[int]]
    iou: dict[str, float | None]
    swapped: list[list[str | float]]


@dataclass(frozen=True)
class ByProduct:
    """What was found.

    Attributes:
        scores: `segmenter/miou`, `segmenter/accuracy` and `segmenter/miou_rare` on real images, and `agreement/miou`
            and `agreement/accuracy` of its answers to generated images with their label maps. A generator and a
            segmenter that agree on swapped classes agree well, and both score badly.
        classes: Names of the counted classes.
        answers: Names of these, and of other classes that were answered in their place.
        confusion: Pixels of the real images, a row for each of `classes`, a column for each of `answers`.
        iou: By class; None where a class occurs nowhere.
        swapped: (class, its most frequent answer, share of its pixels), where that is another class.
    """

    scores: dict[str, float]
    classes: list[str]
    answers: list[str]
    confusion: list[list[int]]
    iou: dict[str, float | None]
    swapped: list[tuple[str, str, float]]

    def as_dict(self) -> Answers:
        """Plain values for scores.json, without the scores."""
        return {"classes": self.classes, "answers": self.answers, "confusion": self.confusion, "iou": self.iou,
                "swapped": [list(row) for row in self.swapped]}


class OwnSegmenter:
    """Scores of a run's segmenter on real images and on what the generator makes of their label maps.

    `reset`, then `update` for every batch, then `compute`; `update` has two halves, as that of `Evaluator`. The same
    classes count as by the judge, unless the segmenter cannot answer them.

    Args:
        segmenter: The segmenter.
        protocol: Its conventions of mIoU and accuracy, as the judge of the generated images is asked.
        counted: Classes whose pixels count.
    """

    def __init__(self, segmenter: LoopSegmenter, protocol: Protocol, counted: Sequence[int]) -> None:
        self.segmenter, self.names = segmenter.eval(), list(segmenter.classes)
        self.counted = [index for index in counted if bool(segmenter.answered[index])]
        conventions = protocol.settled(None, None)
        self.real, self.fake = (conventions.confusion(len(self.names), self.counted) for _ in range(2))

    def reset(self) -> None:
        """Forget all."""
        self.real.reset()
        self.fake.reset()

    def update(self, samples: SampleBatch, fake: Tensor) -> None:
        """Measure and add a batch."""
        self.add(self.measure(samples, fake))

    @torch.no_grad()
    def measure(self, samples: SampleBatch, fake: Tensor) -> tuple[Confusion, Confusion]:
        """Real images `{image (N,3,H,W), labels (N,H,W)}` and what was made of their labels, `fake` (N,3,H,W).

        Returns:
            The confusion of the segmenter's answers to real images, and to the others.
        """
        truth = self.segmenter.truth(samples["labels"].to(fake.device))
        images = samples["image"].to(fake.device)
        return (self.real.of(self.segmenter(images).argmax(1), truth),
                self.fake.of(self.segmenter(fake).argmax(1), truth))

    def add(self, found: tuple[Confusion, Confusion]) -> None:
        """Add what was measured of a batch."""
        for confusion, of_batch in zip((self.real, self.fake), found, strict=True):
            confusion.merge(of_batch)

    def compute(self) -> ByProduct:
        """The scores of all samples; those without a pixel that counts are left out."""
        real, fake = self.real.compute(), self.fake.compute()
        scores = {"segmenter/miou": real.miou, "segmenter/accuracy": real.accuracy,
                  "segmenter/miou_rare": rare_iou(real.iou, real.frequency, self.counted),
                  "agreement/miou": fake.miou, "agreement/accuracy": fake.accuracy}
        rows = self.real.matrix[self.counted]
        others = [k for k in range(len(self.names)) if k not in self.counted and int(rows[:, k].sum())]
        columns = self.counted + others
        iou = class_iou(self.real.matrix)[self.counted].tolist()
        classes, answers = ([self.names[k] for k in chosen] for chosen in (self.counted, columns))
        matrix = rows[:, columns]
        return ByProduct({key: value for key, value in scores.items() if value == value}, classes, answers,
                         matrix.tolist(), {name: None if v != v else v for name, v in zip(classes, iou, strict=True)},
                         swapped(matrix, classes, answers))


def swapped(matrix: Tensor, classes: Sequence[str], answers: Sequence[str]) -> list[tuple[str, str, float]]:
    """The classes that are most often taken for another, with that class and the share of the pixels.

    Args:
        matrix: Pixels, a row for each of `classes`, a column for each of `answers`.
        classes: Names.
        answers: Names; begin with those of `classes`.
    """
    if not len(classes):
        return []
    share, answer = (matrix.double() / matrix.sum(1, keepdim=True).clamp_min(1)).max(1)
    return [(name, answers[int(a)], round(float(s), 4)) for index, (name, s, a) in
            enumerate(zip(classes, share, answer, strict=True)) if int(a) != index and float(s) > 0]
