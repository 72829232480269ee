"""A small U-Net."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """U-Net (arXiv:1505.04597) with batch normalisation, padded convolutions and bilinear upsampling.

    x (N,3,H,W) -> logits (N,C,H,W), at any size from `min_size` on: sides that the stride does not divide are padded
    inside by repeating the border. Small enough to judge, or to be trained, inside a training loop.

    Args:
        num_classes: Channels of the answer.
        widths: Channels of every level, from full resolution down; each level halves the sides.
        dropout: Share of the bottleneck's channels that is zeroed in training.

    Raises:
        ValueError: fewer than two levels, no class, or a dropout outside [0,1).
    """

    def __init__(
        self, num_classes: int, widths: Sequence[int] = (16, 32, 64, 96, 128), dropout: float = 0.0
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes must be >= 1, got {num_classes}")
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths must be two or more numbers of channels, got {list(widths)}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0,1), got {dropout}")
        self.stride = 2 ** (len(widths) - 1)
        self.min_size = self.stride // 2 + 1  # the bottleneck then has one row that is more than padding
        self.down = nn.ModuleList(_level(fin, fout) for fin, fout in zip((3, *widths), widths, strict=False))
        self.up = nn.ModuleList(_level(deep + skip, skip)
                                for deep, skip in zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[0], num_classes, 1)

    def features(self, x: Tensor) -> Tensor:
        """Bottleneck of normalised images (N,3,H,W) -> (N,widths[-1],H/stride,W/stride), sides rounded up."""
        return self._descend(self._padded(x))[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images (N,3,H,W) -> logits (N,num_classes,H,W)."""
        height, width = x.shape[-2:]
        levels = self._descend(self._padded(x))
        y = self.dropout(levels.pop())
        for level in self.up:
            skip = levels.pop()
            y = F.interpolate(y, skip.shape[-2:], mode="bilinear", align_corners=False)
            y = level(torch.cat([y, skip], 1))
        return self.head(y)[..., :height, :width]

    def _descend(self, x: Tensor) -> list[Tensor]:
        levels: list[Tensor] = []
        for level in self.down:
            levels.append(level(F.max_pool2d(levels[-1], 2) if levels else x))
        return levels

    def _padded(self, x: Tensor) -> Tensor:
        bottom, right = (-side % self.stride for side in x.shape[-2:])
        return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


def _level(fin: int, fout: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (fin, fout):
        layers += [nn.Conv2d(channels, fout, 3, padding=1, bias=False), nn.BatchNorm2d(fout), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
