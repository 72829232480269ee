"""What a loss term may look at."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from semsynth.semantics import Semantics

Maps = list[list[Tensor]]
"""A discriminator's output: scales of maps, the prediction last."""


@dataclass
class LossInputs:
    """One half of a training iteration: real and fake (N,3,H,W) in [-1,1], and D's maps of both.

    ``mu`` and ``logvar`` (N,Z) are the style encoder's, None without one.
    """

    semantics: Semantics
    real: Tensor
    fake: Tensor
    fake_maps: Maps
    real_maps: Maps
    mu: Tensor | None = None
    logvar: Tensor | None = None


@dataclass
class Segmentation:
    """A segmenter's answer, logits (N,K,H,W), and the labels (N,H,W) int64 that it should have given; -1: none."""

    logits: Tensor
    labels: Tensor


@dataclass
class UnpairedLossInputs(LossInputs):
    """One half of an iteration with a segmenter S in the loop; ``real`` need not belong to ``semantics``.

    What no term asks for is None.

    Attributes:
        segmentation: S of the fakes, and the label maps that they were made from.
        paired: S of real images whose labels are known, and these labels.
        paired_real: those images (M,3,H,W), and
        paired_fake: what the generator makes of their label maps, (M,3,H,W).
        cycled: G(S(x)) (N,3,H,W) for the real images x.
        fake_label_maps, real_label_maps: the second discriminator's maps of S(x) and of label maps.
    """

    segmentation: Segmentation | None = None
    paired: Segmentation | None = None
    paired_real: Tensor | None = None
    paired_fake: Tensor | None = None
    cycled: Tensor | None = None
    fake_label_maps: Maps | None = None
    real_label_maps: Maps | None = None
