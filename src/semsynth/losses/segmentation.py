"""The segmenter's loss of Unpaired SPADE: class-balanced focal cross entropy."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import Segmentation, UnpairedLossInputs
from semsynth.sharing import mean_of_all, summed

Counts = Literal["batch", "dataset"]


def balanced_focal(logits: Tensor, labels: Tensor, weights: Tensor | None = None, gamma: float = 0.0) -> Tensor:
    """Focal cross entropy (arXiv:1708.02002), a mean weighted by class.

    Args:
        logits: (N,K,H,W).
        labels: (N,H,W) int64; negative ones do not count.
        weights: (K,) of the classes; None: all alike.
        gamma: Exponent of (1 - p) before each pixel's -log p; 0: plain cross entropy.

    Returns:
        Sum of weight * (1 - p)^gamma * -log p over the pixels that count, divided by the sum of their weights; zero
        where none counts. Of all processes that train together, see `semsynth.sharing.mean_of_all`.
    """
    counts, index = labels >= 0, labels.clamp_min(0)
    log_p = F.log_softmax(logits.float(), 1).gather(1, index[:, None])[:, 0]
    weight = counts.to(log_p) if weights is None else weights.to(log_p)[index] * counts
    # where nothing counts, log p may be -inf (a class that the segmenter has no channel for)
    loss = -log_p.masked_fill(~counts, 0.0)
    if gamma:
        # clamped, 1 - p has no slope where S is sure, at which a power below 1 has an infinite one
        loss = loss * (1 - torch.exp(-loss)).clamp_min(0) ** gamma
    return mean_of_all((weight * loss).sum(), weight.sum())


def effective_number_weights(counts: Tensor, beta: float) -> Tensor:
    """(1 - beta) / (1 - beta^n) for each count n >= 1 (arXiv:1901.05555, Eq. 2), as Unpaired SPADE weighs classes.

    With beta = 0.99 it tells counts up to some hundred apart; all larger ones weigh 0.01.
    """
    return (1 - beta) / (1 - beta ** counts.double())


class SegmentationLoss(nn.Module):
    """The segmentation loss of Unpaired SPADE: S must find in G(m) the label map m, pixel by pixel.

    -sum alpha_c m (1 - S(G(m)))^gamma log S(G(m)), with alpha_c = (1 - beta) / (1 - beta^n_c), divided by the sum of
    alpha over the pixels, as the released code divides. Both factors can be left out: the slides state both, the
    released code leaves out the focal one. Pixels of the unknown class, and of classes that a pretrained segmenter
    has no channel for, count neither in the loss nor in n_c.

    >>> from semsynth.semantics import Semantics
    >>> labels, image = torch.zeros(1, 16, 16, dtype=torch.int64), torch.zeros(1, 3, 16, 16)
    >>> answer = Segmentation(logits=torch.zeros(1, 2, 16, 16), labels=labels)  # p = 1/2 everywhere
    >>> inputs = UnpairedLossInputs(Semantics(labels, 2), image, image, [], [], segmentation=answer)
    >>> [round(SegmentationLoss(focal=focal)(inputs).item(), 4) for focal in (False, True)]  # log 2, log 2 / 4
    [0.6931, 0.1733]

    Args:
        balanced: Whether classes are weighed by alpha.
        focal: Whether the focal factor is there.
        beta: Of alpha.
        gamma: Of the focal factor.
        counts: Where n_c, the class's pixels plus one, is taken, of all processes: in the `batch`, as published, or in
            the `dataset`: in all batches so far (kept with the checkpoint; then choose a beta nearer to 1).
        weight: The term's weight, lambda.

    Raises:
        ValueError: a value out of range.
    """

    needs = frozenset({"segmentation"})
    seen: Tensor

    def __init__(self, *, balanced: bool = True, focal: bool = True, beta: float = 0.99, gamma: float = 2.0,
                 counts: Counts = "batch", weight: float = 4.0) -> None:
        super().__init__()
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be in [0, 1), got {beta}")
        if gamma < 0:
            raise ValueError(f"gamma must be >= 0, got {gamma}")
        if counts not in get_args(Counts):
            raise ValueError(f"counts must be one of {', '.join(get_args(Counts))}, got {counts!r}")
        self.balanced, self.focal, self.beta, self.gamma, self.counts = balanced, focal, beta, gamma, counts
        self.weight = weight
        self.register_buffer("seen", torch.zeros(0, dtype=torch.int64))

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:
        """Scalar, unweighted."""
        assert inputs.segmentation is not None
        return self._of(inputs.segmentation)

    def _of(self, answer: Segmentation) -> Tensor:
        weights = effective_number_weights(self._counts(answer), self.beta) if self.balanced else None
        return balanced_focal(answer.logits, answer.labels, weights, self.gamma if self.focal else 0.0)

    @torch.no_grad()
    def _counts(self, answer: Segmentation) -> Tensor:
        classes = answer.logits.shape[1]
        # one bin more for the labels that do not count
        counted = torch.where(answer.labels < 0, classes, answer.labels)
        ones = torch.ones_like(counted).flatten()
        # bincount would look for the largest label on the host
        counts = summed(ones.new_zeros(classes + 1).scatter_add_(0, counted.flatten(), ones)[:classes])
        if self.counts == "dataset":
            self.seen = counts if len(self.seen) == 0 else self.seen + counts
            counts = self.seen
        return counts + 1

    def _load_from_state_dict(self, state_dict, prefix, *rest):  # type: ignore[no-untyped-def]
        if f"{prefix}seen" in state_dict:  # empty until the first batch
            self.seen = torch.zeros_like(state_dict[f"{prefix}seen"])
        super()._load_from_state_dict(state_dict, prefix, *rest)


class PairedSegmentationLoss(SegmentationLoss):
    """The same formula on S(x), for images x whose labels are known.

    These are the pairs of `dataset.paired_fraction`; where all samples are pairs, it is `use_input_seg` of the
    released code.

    >>> from semsynth.semantics import Semantics
    >>> labels, image = torch.zeros(1, 16, 16, dtype=torch.int64), torch.zeros(1, 3, 16, 16)
    >>> inputs = UnpairedLossInputs(Semantics(labels, 2), image, image, [], [])
    >>> inputs.paired = Segmentation(logits=torch.zeros(1, 2, 16, 16), labels=labels)
    >>> round(PairedSegmentationLoss(focal=False)(inputs).item(), 4)
    0.6931
    """

    needs = frozenset({"paired"})

    def forward(self, inputs: UnpairedLossInputs) -> Tensor:
        """Scalar, unweighted; zero in a step without pairs."""
        return inputs.fake.new_zeros(()) if inputs.paired is None else self._of(inputs.paired)
