"""Perceptual loss in the features of EfficientNet-Lite0, whose weights a package brings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from semsynth.backbones.efficientnet_lite0 import EfficientNetLite0, load_efficientnet_lite0
from semsynth.backbones.package import weights_file
from semsynth.losses.frozen_features import FrozenFeatures

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


class EfficientNetPerceptual(FrozenFeatures):
    """Perceptual loss (arXiv:1603.08155) like VGG-19's, in EfficientNet-Lite0: weighted L1 of five feature maps.

    The maps are those of the stages 1 to 5, at strides 2, 4, 8, 16, 16, where VGG's stand at 1, 2, 4, 8, 16. Each
    difference is divided by the one between unrelated photographs, and the weights by their sum: a weight is a map's
    share of the loss, and the loss is about 1 for unrelated photographs. Times 10 that is within the 7 to 15 that VGG's
    term has in trainings of SPADE (told by its author in NVlabs/SPADE#38).

    Args:
        layer_weights: Of the five maps, the deepest last.
        required: Whether training is refused without the network's weights. False: a configuration leaves the term out
            where they are not installed, and says so.
        weight: The term's weight.

    Raises:
        BackboneError: the network's weights are not installed; says how they are.
        ValueError: not five weights, a negative one, or nothing but zeros.
    """

    def __init__(self, layer_weights: Sequence[float] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0), *, required: bool = True,
                 weight: float = 10.0) -> None:
        if len(layer_weights) != len(UNRELATED) or min(layer_weights) < 0 or sum(layer_weights) == 0:
            raise ValueError(f"layer_weights must be {len(UNRELATED)} numbers from 0 on, not all of them 0, got "
                             f"{list(layer_weights)}")
        scaled = [w / sum(layer_weights) / usual for w, usual in zip(layer_weights, UNRELATED, strict=True)]
        network = _Taps(load_efficientnet_lite0().to(memory_format=torch.channels_last))
        super().__init__(network, scaled, weight)
        self.required = required

    @classmethod
    def preflight(cls, **_: object) -> None:
        """Fail before anything is built where the weights are not installed."""
        weights_file()

    def prepared(self, image: Tensor) -> Tensor:
        """In the memory format in which it is a third faster on a CPU as well."""
        return image.contiguous(memory_format=torch.channels_last)
