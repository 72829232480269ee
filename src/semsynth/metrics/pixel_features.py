"""What can be compared where no network is at hand: the pixels themselves. Coarse, but the same on every machine."""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

GRID = 2  # cells a side: few numbers, since small sets have few images
SCALES = 3  # each half as fine as the one before
LEAST = 1 / 127.5  # one step of eight bits: a contrast below it is none


class PixelFeatures:
    """Colours and contrasts of images: the features of `frechet/pixels`.

    The mean colour of each quarter tells where a picture is bright and of what hue; the logarithm of the standard
    deviation of what gets lost when a picture is halved, three times over, tells how strong its details are at three
    scales. It sees wrong colours, blur and noise, and knows nothing of objects.

    >>> features = PixelFeatures()(-torch.ones(2, 3, 16, 16))
    >>> tuple(features.shape), features[0, :12].unique().tolist()  # the mean colours of the quarters
    ((2, 21), [-1.0])
    """

    name = "pixels"
    general = False

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], sides of 8 or more -> (N,21) float32."""
        images = images.float()
        found = [F.adaptive_avg_pool2d(images, GRID).flatten(1)]
        for _ in range(SCALES):
            coarse = F.avg_pool2d(images, 2, ceil_mode=True)
            lost = images - F.interpolate(coarse, images.shape[-2:], mode="nearest")
            found.append((lost.std((2, 3)) + LEAST).log())
            images = coarse
        return torch.cat(found, 1)

    def description(self) -> dict[str, object]:
        """Everything that moves the features."""
        return {"name": self.name, "grid": GRID, "scales": SCALES}

    def to(self, device: torch.device | str) -> Self:
        """There is nothing to move."""
        return self


class PixelDistance:
    """Mean difference of the pixels, as a share of the range from black to white.

    >>> black, white = -torch.ones(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    >>> PixelDistance()(black, white).tolist()
    [1.0]
    """

    name = "pixels"

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,) in [0,1]."""
        return (first - second).abs().mean((1, 2, 3)) / 2

    def by_place(self, first: Tensor, second: Tensor) -> Tensor:
        """(N,H,W), the mean over the channels."""
        return (first - second).abs().mean(1) / 2

    def to(self, device: torch.device | str) -> Self:
        """There is nothing to move."""
        return self
