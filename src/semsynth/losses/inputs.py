"""What a loss term may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.style import Style

Maps = list[list[Tensor]]
"""A discriminator's output: scales of maps, the prediction last."""


@dataclass
class LossInputs:
    """One half of a training iteration: real and fake (N,3,H,W) in [-1,1], and the discriminator's maps of both.

    >>> import torch
    >>> from semsynth.discriminators.patchgan import MultiscaleDiscriminator
    >>> semantics, real = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.randn(1, 3, 16, 16)
    >>> network = MultiscaleDiscriminator(num_classes=2, ndf=4)
    >>> inputs = LossInputs(semantics, real, real, [], network(semantics, real), discriminator=network)
    >>> [tuple(scale[-1].shape) for scale in inputs.discriminate(real)]  # as those of `real_maps`
    [(1, 1, 5, 5), (1, 1, 4, 4)]

    Attributes:
        style: As the style encoder says it, None without one.
        discriminator: The network itself, see `discriminate`. Networks that the generator's optimizer trains are not
            here: where one fake serves both steps, the graph of the losses ends at it.
        chance: What is drawn once for a batch comes from it, so that processes that share the batch draw the same;
            None: torch's own random state.
    """

    semantics: Semantics
    real: Tensor
    fake: Tensor
    fake_maps: Maps
    real_maps: Maps
    style: Style | None = None
    discriminator: Any = None
    chance: torch.Generator | None = None

    def discriminate(self, images: Tensor, semantics: Semantics | None = None) -> Maps:
        """The discriminator's maps, in float32, of more images (M,3,H,W) under these or other label maps (M,H,W).

        For terms such as a gradient penalty, or consistency under mixed images: gradients reach the images, and in
        the discriminator's step its weights.
        """
        weight = next(self.discriminator.parameters())
        maps = self.discriminator(self.semantics if semantics is None else semantics, images.to(weight.dtype))
        return [[m.float() for m in scale] for scale in maps]


@dataclass
class Segmentation:
    """A segmenter's answer, logits (N,K,H,W), and the labels (N,H,W) int64 that it should have given; -1: none.

    >>> import torch
    >>> labels = torch.full((1, 16, 16), -1)
    >>> labels[:, :8] = 2
    >>> answer = Segmentation(torch.randn(1, 3, 16, 16), labels)
    >>> answer.logits.argmax(1)[answer.labels >= 0].shape
    torch.Size([128])
    """

    logits: Tensor
    labels: Tensor


@dataclass
class UnpairedLossInputs(LossInputs):
    """One half of an iteration with a segmenter S in the loop; `real` need not belong to `semantics`.

    What no term asks for is None.

    >>> import torch
    >>> images, labels = torch.zeros(1, 3, 16, 16), torch.zeros(1, 16, 16, dtype=torch.int64)
    >>> inputs = UnpairedLossInputs(Semantics(labels, 2), images, images, [], [], cycled=images)
    >>> tuple(inputs.cycled.shape), inputs.paired
    ((1, 3, 16, 16), None)

    Attributes:
        segmentation: S of the fakes, and the label maps that they were made from.
        paired: S of real images whose labels are known, and these labels.
        paired_real: Those images (M,3,H,W).
        paired_fake: What the generator makes of their label maps, (M,3,H,W).
        cycled: G(S(x)) (N,3,H,W) for the real images x.
        fake_label_maps, real_label_maps: The second discriminator's maps of S(x) and of label maps.
    """

    segmentation: Segmentation | None = None
    paired: Segmentation | None = None
    paired_real: Tensor | None = None
    paired_fake: Tensor | None = None
    cycled: Tensor | None = None
    fake_label_maps: Maps | None = None
    real_label_maps: Maps | None = None


@dataclass
class RegressionLossInputs(LossInputs):
    """An iteration without a discriminator; its maps are empty.

    >>> import torch
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> RegressionLossInputs(semantics, image, image, [], [], pictures=image[:, None]).pictures.shape
    torch.Size([1, 1, 3, 16, 16])

    Attributes:
        pictures: All pictures (N,P,3,H,W) that the generator makes of each label map; None where it makes one.
    """

    pictures: Tensor | None = None
