"""Segmentation scores from one confusion matrix over a whole data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

ClassMean = Literal["all", "present", "nan_mean"]
Accumulate = Literal["dataset", "per_image"]
IGNORED = -1  # the label of pixels that do not count


@dataclass(frozen=True)
class SegmentationScores:
    """mIoU, pixel accuracy, IoU (K,) (NaN where a class occurs nowhere) and share (K,) of the label pixels.

    >>> confusion = Confusion(classes=2)
    >>> confusion.update(torch.tensor([[[0, 1, 1, 1]]]), torch.tensor([[[0, 0, 1, 1]]]))
    >>> scores = confusion.compute()
    >>> [round(value, 4) for value in scores.iou.tolist()], scores.frequency.tolist()
    ([0.5, 0.6667], [0.5, 0.5])
    """

    miou: float
    accuracy: float
    iou: Tensor
    frequency: Tensor


def confusion_matrix(predictions: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Count pixels (K,K) int64: row = label, column = prediction. Pixels with a label below zero do not count.

    Raises:
        ValueError: different shapes, or a class outside [0, K).
    """
    if predictions.shape != labels.shape:
        raise ValueError(f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)} differ in shape")
    counted = labels >= 0
    truth, guess = labels[counted].long(), predictions[counted].long()
    if len(truth) and (int(truth.max()) >= classes or int(guess.min()) < 0 or int(guess.max()) >= classes):
        raise ValueError(f"labels or predictions outside [0, {classes})")
    return torch.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes).cpu()


def class_iou(matrix: Tensor) -> Tensor:
    """Intersection over union (K,) float64 of a confusion matrix (K,K); NaN where neither labels nor predictions."""
    values = matrix.double()
    hits = values.diagonal()
    return hits / (values.sum(0) + values.sum(1) - hits)  # 0 / 0 = NaN


def mean_iou(matrix: Tensor, convention: ClassMean, counted: Sequence[int] | None = None) -> float:
    """Class mean of the IoU; NaN where no class is left.

    Args:
        matrix: (K,K)
        convention: `all` counts a class that occurs nowhere as 0 (the ADE20K judge's code), `present` averages over
            the classes that the labels hold (DeepLab's), `nan_mean` over those in labels or predictions (DRN's).
        counted: The classes among which the mean chooses; None: all K.
    """
    among = torch.arange(len(matrix)) if counted is None else torch.tensor(list(counted), dtype=torch.int64)
    iou = class_iou(matrix)[among]
    if convention == "all":
        return float(iou.nan_to_num(0).mean())
    chosen = matrix.sum(1)[among] > 0 if convention == "present" else ~iou.isnan()
    return float(iou[chosen].mean()) if chosen.any() else float("nan")


def rare_classes(frequency: Tensor, counted: Sequence[int]) -> list[int]:
    """The third (rounded up) of the counted classes that have the fewest label pixels, the rarest first.

    Args:
        frequency: (K,) share of the label pixels; classes without any do not count.
        counted: The classes among which to choose.
    """
    there = sorted((index for index in counted if float(frequency[index]) > 0), key=lambda i: float(frequency[i]))
    return there[:-(-len(there) // 3)]


def rare_iou(iou: Tensor, frequency: Tensor, counted: Sequence[int]) -> float:
    """Mean IoU of the `rare_classes`; NaN where there is none."""
    rare = rare_classes(frequency, counted)
    return float(iou[torch.tensor(rare)].mean()) if rare else float("nan")


def pixel_accuracy(matrix: Tensor, void: int = 0) -> float:
    """Share of the pixels that are right; `void` more pixels count as wrong."""
    total = int(matrix.sum()) + void
    return float(matrix.diagonal().sum()) / total if total else float("nan")


class Confusion:
    """Confusion matrix, a batch at a time.

    >>> labels, predictions = torch.tensor([[[0, 1], [1, 1]]]), torch.tensor([[[0, 0], [1, 1]]])
    >>> confusion = Confusion(classes=2)
    >>> confusion.update(predictions, labels)
    >>> scores = confusion.compute()
    >>> round(scores.miou, 4), scores.accuracy  # (1/2 + 2/3) / 2, 3/4
    (0.5833, 0.75)

    Args:
        classes: Number K of classes.
        class_mean: See `mean_iou`.
        accumulate: `dataset` takes the scores from one matrix of all pixels; `per_image` averages the scores of the
            images.
        void_is_wrong: Whether pixels without a class count as wrong in the accuracy.
        counted: Classes that the labels may hold; pixels of others do not count. None: all. A prediction of another
            class is a wrong one.

    Raises:
        ValueError: an unknown convention.
    """

    def __init__(self, classes: int, class_mean: ClassMean = "nan_mean", accumulate: Accumulate = "dataset",
                 void_is_wrong: bool = False, counted: Sequence[int] | None = None) -> None:
        if class_mean not in get_args(ClassMean):
            raise ValueError(f"class_mean must be one of {', '.join(get_args(ClassMean))}, got {class_mean!r}")
        if accumulate not in get_args(Accumulate):
            raise ValueError(f"accumulate must be one of {', '.join(get_args(Accumulate))}, got {accumulate!r}")
        self.classes, self.class_mean, self.accumulate = classes, class_mean, accumulate
        self.void_is_wrong = void_is_wrong
        self.counted = list(range(classes)) if counted is None else list(counted)
        self._keeps = torch.zeros(classes, dtype=torch.bool)
        self._keeps[self.counted] = True
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self.matrix = torch.zeros(self.classes, self.classes, dtype=torch.int64)
        self.void = 0
        self.images: list[tuple[float, float]] = []  # mIoU and accuracy of each; NaN where it has none

    def of(self, predictions: Tensor, labels: Tensor) -> Confusion:
        """The matrix of images alone, with the same conventions; see `update`."""
        alone = Confusion(self.classes, self.class_mean, self.accumulate, self.void_is_wrong, self.counted)
        alone.update(predictions, labels)
        return alone

    def merge(self, other: Confusion) -> None:
        """Add the images of another matrix, after those of this one."""
        self.matrix += other.matrix
        self.void += other.void
        self.images += other.images

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Add images: class indices (N,H,W) each; labels below zero, and of classes left out, do not count.

        Raises:
            ValueError: see `confusion_matrix`.
        """
        if len(labels) and int(labels.max()) >= self.classes:
            raise ValueError(f"labels hold the class {int(labels.max())}, there are {self.classes}")
        keeps = (labels >= 0) & self._keeps.to(labels.device)[labels.clamp_min(0)]
        for guess, truth in zip(predictions, torch.where(keeps, labels, IGNORED), strict=True):
            matrix = confusion_matrix(guess, truth, self.classes)
            void = int((truth < 0).sum())
            self.matrix += matrix
            self.void += void
            # an image without a counted pixel has none: NaN
            self.images.append((mean_iou(matrix, self.class_mean, self.counted), self._accuracy(matrix, void)))

    def _accuracy(self, matrix: Tensor, void: int) -> float:
        return pixel_accuracy(matrix, void if self.void_is_wrong else 0)

    def compute(self) -> SegmentationScores:
        """The scores; NaN where no pixel counts."""
        matrix = self.matrix
        if self.accumulate == "dataset":
            miou, accuracy = mean_iou(matrix, self.class_mean, self.counted), self._accuracy(matrix, self.void)
        else:
            miou, accuracy = (_mean(score[part] for score in self.images) for part in (0, 1))
        rows = matrix.sum(1).double()
        return SegmentationScores(miou, accuracy, class_iou(matrix), rows / rows.sum().clamp_min(1))


def _mean(values: Iterable[float]) -> float:
    """Of those that are no NaN, added in their order; NaN without any."""
    there = [value for value in values if not math.isnan(value)]
    return sum(there) / len(there) if there else math.nan
