"""Pyramid pooling on a dilated ResNet: the PSPNet of MIT CSAIL, called "upernet18" by Unpaired SPADE at depth 18."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from semsynth.errors import SegmenterError
from semsynth.segmenters.layers import conv_bn_relu, resize_like
from semsynth.segmenters.resnet import DeepStemResNet, kaiming
from semsynth.segmenters.state_dict import load_into, read_state_dict


class PyramidPooling(nn.Module):
    """Pyramid pooling head with deep supervision (arXiv:1612.01105), in CSAIL's layout `ppm_deepsup`.

    The last map is averaged over s x s cells for every s of `scales`; each average passes a 1x1 convolution, is resized
    and joins the map.

    Args:
        channels: Channels of the last map; the one before it has half as many.
        num_classes: Channels of the logits.
        width: Channels of each pooled branch and of the last hidden map.
        scales: Cells per side.
        dropout: Share of channels dropped before the classifiers, in training.
    """

    def __init__(self, channels: int, num_classes: int, *, width: int = 512, scales: Sequence[int] = (1, 2, 3, 6),
                 dropout: float = 0.1) -> None:
        super().__init__()
        # BatchNorm on a 1x1 map cannot train on one picture; the shipped trainer uses batches.
        self.ppm = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(s), *conv_bn_relu(channels, width, 1))
                                 for s in scales)
        self.conv_last = nn.Sequential(*conv_bn_relu(channels + len(scales) * width, width), nn.Dropout2d(dropout),
                                       nn.Conv2d(width, num_classes, 1))
        self.cbr_deepsup = conv_bn_relu(channels // 2, channels // 4)
        self.dropout_deepsup = nn.Dropout2d(dropout)
        self.conv_last_deepsup = nn.Conv2d(channels // 4, num_classes, 1)
        kaiming(self)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (N,K,h,w) from the maps of the encoder."""
        top = maps[-1]
        return self.conv_last(torch.cat([top, *(resize_like(branch(top), top) for branch in self.ppm)], dim=1))

    def auxiliary(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (N,K,h,w) from the last map but one, for deep supervision."""
        return self.conv_last_deepsup(self.dropout_deepsup(self.cbr_deepsup(maps[-2])))


class PPMNet(nn.Module):
    """Dilated deep-stem ResNet and pyramid pooling: x (N,3,H,W) normalised -> logits (N,K,H/8,W/8).

    Args:
        num_classes: Channels of the logits.
        depth: 18, 50 or 101.
        encoder_weights: File of a deep-stem ResNet of that depth, trained to classify ImageNet; null: fresh weights.

    Raises:
        SegmenterError: there is no such file, or it holds another network (torchvision's ResNets have another stem).
    """

    def __init__(self, num_classes: int = 150, *, depth: int = 18, encoder_weights: str | Path | None = None) -> None:
        super().__init__()
        self.encoder = DeepStemResNet(depth, dilated=True)
        if encoder_weights is not None:
            _load_classifier(self.encoder, Path(encoder_weights), depth)
        self.decoder = PyramidPooling(self.encoder.channels[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits at 1/8 of the size."""
        return self.decoder(self.encoder(x))

    def features(self, x: Tensor) -> Tensor:
        """The encoder's last map, (N,F,H/8,W/8)."""
        return self.encoder(x)[-1]

    def supervised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(logits, auxiliary logits); the published training weighs the second one's loss by 0.4."""
        maps = self.encoder(x)
        return self.decoder(maps), self.decoder.auxiliary(maps)


def _load_classifier(encoder: DeepStemResNet, path: Path, depth: int) -> None:
    """Load the weights of an ImageNet classifier of MIT CSAIL into an encoder, which leaves out its last layer."""
    if not path.is_file():
        raise SegmenterError(
            f"encoder_weights={path}: there is no such file. Download resnet{depth}-imagenet.pth of "
            "CSAILVision/semantic-segmentation-pytorch (http://sceneparsing.csail.mit.edu/model/pretrained_resnet/) "
            "and set encoder_weights=PATH, or start from fresh weights: system.segmenter.network.encoder_weights=null")
    state = {key: value for key, value in read_state_dict(path).items() if not key.startswith("fc.")}
    load_into(encoder, state, path)
