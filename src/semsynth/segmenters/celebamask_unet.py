"""The face-parsing U-Net of CelebAMask-HQ (arXiv:1907.11922): the judge of that data set."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CelebAMaskUNet(nn.Module):
    """U-Net (arXiv:1505.04597) with batch norm and a quarter of the filters: x (N,3,H,W) -> logits (N,K,H,W).

    Args:
        num_classes: Channels of the logits.
        filters: Channels of the five levels, finest first.
    """

    stride = 16  # height and width must be multiples of this

    def __init__(self, num_classes: int = 19, *, filters: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)):
        super().__init__()
        a, b, c, d, e = filters
        self.conv1 = _Double(3, a)
        self.conv2 = _Double(a, b)
        self.conv3 = _Double(b, c)
        self.conv4 = _Double(c, d)
        self.center = _Double(d, e)
        self.up_concat4 = _Up(e, d)
        self.up_concat3 = _Up(d, c)
        self.up_concat2 = _Up(c, b)
        self.up_concat1 = _Up(b, a)
        self.final = nn.Conv2d(a, num_classes, 1)
        self.maxpool = nn.MaxPool2d(2)

    def features(self, x: Tensor) -> Tensor:
        """The bottleneck, (N,F,H/16,W/16)."""
        return self._down(x)[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Logits at the size of x.

        Raises:
            ValueError: height or width is no multiple of 16.
        """
        skip1, skip2, skip3, skip4, x = self._down(x)
        x = self.up_concat4(skip4, x)
        x = self.up_concat3(skip3, x)
        x = self.up_concat2(skip2, x)
        return self.final(self.up_concat1(skip1, x))

    def _down(self, x: Tensor) -> list[Tensor]:
        height, width = x.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ValueError(f"height and width must be multiples of {self.stride}, got {height}x{width}")
        maps = [self.conv1(x)]
        for level in (self.conv2, self.conv3, self.conv4, self.center):
            maps.append(level(self.maxpool(maps[-1])))
        return maps


class _Double(nn.Module):
    """Two 3x3 convolutions with bias, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class _Up(nn.Module):
    """A transposed convolution doubles the coarse map, which joins the skip connection."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _Double(2 * outputs, outputs)
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        return self.conv(torch.cat([skip, self.up(x)], dim=1))
