"""DeepLab v2 (arXiv:1606.00915) with ResNet-101, as published by kazuto1011: the judge of COCO-Stuff."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from semsynth.segmenters.resnet import kaiming


class DeepLabV2(nn.Module):
    """ResNet of output stride 8 and atrous spatial pyramid pooling: x (N,3,H,W) -> logits (N,K,H/8,W/8).

    One scale; the published maximum over three scales of the picture is the judge's part. Blocks and names are
    torchvision's, with Caffe's habit of striding in the first 1x1 convolution.

    Args:
        num_classes: Channels of the logits.
        blocks: Blocks of the four stages.
        rates: Dilations of the 3x3 convolutions whose sum is the logits.
    """

    def __init__(self, num_classes: int = 182, *, blocks: Sequence[int] = (3, 4, 23, 3),
                 rates: Sequence[int] = (6, 12, 18, 24)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.layer1 = _stage(64, 64, blocks[0])
        self.layer2 = _stage(256, 128, blocks[1], stride=2)
        self.layer3 = _stage(512, 256, blocks[2], dilation=2)
        self.layer4 = _stage(1024, 512, blocks[3], dilation=4)
        branches = [nn.Conv2d(2048, num_classes, 3, padding=rate, dilation=rate) for rate in rates]
        self.aspp = nn.ModuleList(branches)
        kaiming(self)
        for branch in branches:
            nn.init.normal_(branch.weight, std=0.01)

    def features(self, x: Tensor) -> Tensor:
        """The backbone's last map, (N,2048,H/8,W/8)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        """Logits at 1/8 of the size, rounded up."""
        x = self.features(x)
        return torch.stack([branch(x) for branch in self.aspp]).sum(0)

    @staticmethod
    def rename(key: str) -> str:
        """Our name of a published key.

        >>> DeepLabV2.rename("base.layer4.block23.conv3x3.bn.weight")
        'layer3.22.bn2.weight'
        """
        key = key.removeprefix("scale.").removeprefix("base.")  # "scale." and ".proj." stand in files before 2019
        key = re.sub(r"^layer1\.conv1\.conv\.", "conv1.", key)
        key = re.sub(r"^layer1\.conv1\.bn\.", "bn1.", key)
        key = re.sub(r"^layer(\d)\.block(\d+)\.", lambda m: f"layer{int(m[1]) - 1}.{int(m[2]) - 1}.", key)
        for number, part in enumerate(("reduce", "conv3x3", "increase"), start=1):
            key = key.replace(f".{part}.conv.", f".conv{number}.").replace(f".{part}.bn.", f".bn{number}.")
        key = key.replace(".proj.", ".shortcut.")
        key = key.replace(".shortcut.conv.", ".downsample.0.").replace(".shortcut.bn.", ".downsample.1.")
        return re.sub(r"^aspp\.(?:stages\.)?c(\d)\.", r"aspp.\1.", key)


def _stage(inputs: int, width: int, count: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    outputs = 4 * width
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    first = Bottleneck(inputs, width, downsample=shortcut, dilation=dilation)
    first.conv1.stride = (stride, stride)
    return nn.Sequential(first, *(Bottleneck(outputs, width, dilation=dilation) for _ in range(count - 1)))
