"""A small head on EfficientNet-Lite0, which stays as ImageNet has made it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsynth.backbones.efficientnet_lite0 import CHANNELS, MIN_SIZE, description, load_efficientnet_lite0
from semsynth.segmenters.layers import conv_bn_relu, resize_like

LEVELS = (2, 3, 5)  # stages whose maps join on the way up, at strides 4, 8, 16; the last one stands at 32


class EfficientNetLite0Segmenter(nn.Module):
    """EfficientNet-Lite0, frozen, and a pyramid of convolutions that is trained (as the decoder of arXiv:1505.04597).

    x (N,3,H,W) in [-1,1], which is what the default preprocessing gives -> logits (N,C,H/4,W/4), sides rounded up.

    The backbone comes from an installed package. It is neither in `state_dict` nor in `parameters`: a file of this
    network holds the head alone.

    Args:
        num_classes: Channels of the answer.
        width: Channels of the head.
        dropout: Share of the channels that is zeroed before the classifier, in training.

    Raises:
        BackboneError: the backbone's weights are not installed.
        ValueError: no class, no channel, or a dropout outside [0,1).
    """

    min_size = MIN_SIZE

    def __init__(self, num_classes: int, width: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes must be >= 1, got {num_classes}")
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0,1), got {dropout}")
        self.top = conv_bn_relu(CHANNELS[-1], width, 1)
        self.up = nn.ModuleList(conv_bn_relu(width + CHANNELS[level - 1], width) for level in LEVELS[::-1])
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(width, num_classes, 1)
        # A tuple hides the frozen network from state_dict, parameters and train().
        self._frozen = (load_efficientnet_lite0().to(memory_format=torch.channels_last),)

    def _apply(self, fn: Any, recurse: bool = True) -> EfficientNetLite0Segmenter:
        self._frozen[0]._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> logits (N,num_classes,H/4,W/4)."""
        return self.classifier(self.dropout(self._ascend(x, len(LEVELS))))

    def features(self, x: Tensor) -> Tensor:
        """The head's map at stride 16, (N,width,H/16,W/16)."""
        return self._ascend(x, 1)

    def _ascend(self, x: Tensor, levels: int) -> Tensor:
        maps = self._frozen[0].maps(x.contiguous(memory_format=torch.channels_last))  # a third faster on a CPU
        y = self.top(maps[-1])
        for level, layer in zip(LEVELS[::-1][:levels], self.up, strict=False):
            skip = maps[level - 1]
            y = layer(torch.cat([resize_like(y, skip), skip], 1))
        return y

    def backbone(self) -> dict[str, Any]:
        """What the network stands on and its file does not hold."""
        return description()
