"""The losses of OASIS: cross entropy of N classes and one for fakes, balanced by class, and LabelMix."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs, Maps
from semsynth.sharing import summed


def class_balance(labels: Tensor, num_classes: int, unknown: int | None = None) -> Tensor:
    """How much a pixel of each class weighs (K,), so that all classes of a batch weigh the same (arXiv:2012.04781).

    alpha_c = B * H * W / (number of classes in the batch * pixels of c); 0 for classes that are not there, and for the
    unknown one, which does not count as one. The batch is that of all processes that train together.

    >>> class_balance(torch.tensor([[[0, 0], [0, 2]]]), num_classes=3).tolist()
    [0.6666666865348816, 0.0, 2.0]

    Args:
        labels: (N,H,W) int64.
        num_classes: K.
        unknown: Index of the unknown class, or None.
    """
    flat = labels.flatten()
    counts = summed(flat.new_zeros(num_classes).scatter_add_(0, flat, torch.ones_like(flat))).float()
    pixels = counts.sum()
    if unknown is not None:
        counts[unknown] = 0
    present = counts > 0
    return torch.where(present, pixels / (present.sum() * counts).clamp_min(1), counts.new_zeros(()))


def _logits(maps: Maps, num_classes: int) -> Tensor:
    logits = maps[0][-1]
    if logits.shape[1] != num_classes + 1:
        raise ValueError(f"the losses of OASIS read logits of {num_classes} classes and of fakes at each pixel, this "
                         f"discriminator answers with {logits.shape[1]} channels: take discriminator=oasis")
    return logits.float()


class _Balanced(nn.Module):
    """Cross entropy of logits (N,K+1,H,W) with the labels, weighed by `class_balance`; the mean over all pixels."""

    asks = "classes"

    def __init__(self, unknown: int | None = None, weight: float = 1.0) -> None:
        super().__init__()
        self.unknown, self.weight = unknown, weight

    def _as_labels(self, inputs: LossInputs, maps: Maps) -> Tensor:
        labels, num_classes = inputs.semantics.labels, inputs.semantics.num_classes
        logits = _logits(maps, num_classes)
        balance = class_balance(labels, num_classes, self.unknown).to(logits)
        return (F.cross_entropy(logits, labels, reduction="none") * balance[labels]).mean()


class OASISGeneratorLoss(_Balanced):
    """The generator's side (arXiv:2012.04781, Eq. 2): the discriminator shall find in a fake the classes of its map.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> undecided = [[torch.zeros(1, 3, 16, 16)]]  # two classes and fake
    >>> round(OASISGeneratorLoss()(LossInputs(semantics, image, image, undecided, undecided)).item(), 4)  # log 3
    1.0986

    Args:
        unknown: Index of the class whose pixels do not count, or None.
        weight: Of the term.
    """

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        return self._as_labels(inputs, inputs.fake_maps)


class OASISDiscriminatorLoss(_Balanced):
    """The discriminator's side (arXiv:2012.04781, Eq. 1): the classes of real pixels, and which pixels are fakes.

    Real pixels are weighed by class, fake ones are not; the two means are added.

    >>> from semsynth.semantics import Semantics
    >>> semantics, image = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2), torch.zeros(1, 3, 16, 16)
    >>> undecided = [[torch.zeros(1, 3, 16, 16)]]
    >>> round(OASISDiscriminatorLoss()(LossInputs(semantics, image, image, undecided, undecided)).item(), 4)  # 2 log 3
    2.1972

    Args:
        unknown: Index of the class whose pixels do not count, or None.
        weight: Of the term.
    """

    compares_pairs = True  # means nothing where the image does not belong to the label map

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        fake = _logits(inputs.fake_maps, inputs.semantics.num_classes)
        return self._as_labels(inputs, inputs.real_maps) + (fake.logsumexp(1) - fake[:, -1]).mean()


class LabelMix(nn.Module):
    """LabelMix (arXiv:2012.04781, Eq. 4): the discriminator's answer to a mixture is the mixture of its answers.

    For each class of the batch, of all processes, a coin decides whether its regions are real or fake.
    |D(mix) - mix of D(real), D(fake)| squared, the mean over logits and pixels.

    >>> from semsynth.semantics import Semantics
    >>> semantics = Semantics(torch.arange(16).expand(1, 16, 16) // 8, 2)
    >>> def linear(semantics, images):  # what is linear at each pixel cannot tell
    ...     return [[images * 2]]
    >>> linear.parameters = lambda: iter([torch.zeros(1)])
    >>> real, fake = torch.ones(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    >>> LabelMix()(LossInputs(semantics, real, fake, linear(None, fake), linear(None, real), None, linear)).item()
    0.0

    Args:
        weight: Of the term; published are 10, and 5 on Cityscapes.
    """

    asks = "classes"
    compares_pairs = True

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        labels, num_classes = inputs.semantics.labels, inputs.semantics.num_classes
        coins = torch.rand(num_classes, generator=inputs.chance, device=labels.device) < 0.5
        real = coins[labels][:, None]  # (N,1,H,W)
        mixed = torch.where(real, inputs.real.detach(), inputs.fake.detach())
        answer = _logits(inputs.discriminate(mixed), num_classes)
        wanted = torch.where(real, _logits(inputs.real_maps, num_classes), _logits(inputs.fake_maps, num_classes))
        return F.mse_loss(answer, wanted)
