"""Perceptual loss in the features of EfficientNet-Lite0, whose weights a package brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.backbones.efficientnet_lite0 import EfficientNetLite0, load_efficientnet_lite0
from semsynth.backbones.errors import BackboneError
from semsynth.backbones.package import weights_file
from semsynth.losses.step import Step

# Mean absolute difference of each map between two photographs that have nothing to do with each other: 300 pairs out of
# COCO-Stuff, Cityscapes and CamVid, the mean of those at 96x128 (6.3, 8.7, 8.2, 6.5, 7.0) and at 256x256 (5.8, 8.0,
# 7.5, 6.2, 6.4).
UNRELATED = (6.1, 8.3, 7.9, 6.3, 6.7)


class _Taps(nn.Module):
    """A backbone that answers with the maps that are compared, and computes nothing after them."""

    def __init__(self, backbone: EfficientNetLite0) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.backbone.maps(x, last=len(UNRELATED))


class EfficientNetPerceptual(nn.Module):
    """Perceptual loss (arXiv:1603.08155) like VGG-19's, in EfficientNet-Lite0: weighted L1 of five feature maps.

    The maps are those of the stages 1 to 5, at strides 2, 4, 8, 16, 16, where VGG's stand at 1, 2, 4, 8, 16. Each
    difference is divided by the one between unrelated photographs, and the weights by their sum: a weight is a map's
    share of the loss, and the loss is about 1 for unrelated photographs. Times 10 that is within the 7 to 15 that VGG's
    term has in trainings of SPADE (told by its author in NVlabs/SPADE#38).

    The network is frozen, stays in evaluation mode and appears in neither `state_dict` nor `parameters`.

    Args:
        layer_weights: Of the five maps, the deepest last.
        required: Whether training is refused without the network's weights. False: a configuration leaves the term out
            where they are not installed, and says so.
        weight: The term's weight.

    Raises:
        BackboneError: the network's weights are not installed; says how they are.
        ValueError: not five weights, a negative one, or nothing but zeros.
    """

    compares_pairs = True  # means nothing where the image does not belong to the label map

    def __init__(self, layer_weights: Sequence[float] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0), *, required: bool = True,
                 weight: float = 10.0) -> None:
        super().__init__()
        if len(layer_weights) != len(UNRELATED) or min(layer_weights) < 0 or sum(layer_weights) == 0:
            raise ValueError(f"layer_weights must be {len(UNRELATED)} numbers from 0 on, not all of them 0, got "
                             f"{list(layer_weights)}")
        self.required, self.weight = required, weight
        self.layer_weights = [w / sum(layer_weights) / usual for w, usual in zip(layer_weights, UNRELATED, strict=True)]
        # A tuple hides the frozen network from state_dict, parameters and train().
        self._frozen = (_Taps(load_efficientnet_lite0().to(memory_format=torch.channels_last)).eval(),)

    @classmethod
    def preflight(cls, **_: object) -> None:
        """Fail before anything is built where the weights are not installed."""
        try:
            weights_file()
        except BackboneError as error:
            raise BackboneError(f"{error}. Or train without it: loss=spade_no_vgg") from None

    @property
    def network(self) -> nn.Module:
        """The frozen network: image -> five maps."""
        return self._frozen[0]

    def _apply(self, fn: Any, recurse: bool = True) -> EfficientNetPerceptual:
        self.network._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def features(self, image: Tensor) -> list[Tensor]:
        """The five maps of an image (N,3,H,W) in [-1,1]; one-channel images are repeated."""
        x = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
        found: list[Tensor] = self.network(x.contiguous(memory_format=torch.channels_last))
        return found

    def forward(self, step: Step) -> Tensor:
        """Scalar, unweighted."""
        with torch.no_grad():
            targets = self.features(step.real)
        distances = [w * F.l1_loss(fake.float(), real.float())
                     for w, fake, real in zip(self.layer_weights, self.features(step.fake), targets, strict=True)]
        return torch.stack(distances).sum()
