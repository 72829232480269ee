"""Layers that several segmenters share."""

import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn_relu(inputs: int, outputs: int, kernel_size: int = 3) -> nn.Sequential:
    """Convolution without bias that keeps the size, batch norm, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def resize_like(x: Tensor, other: Tensor) -> Tensor:
    """Resize x (N,C,h,w) bilinearly to the height and width of `other`."""
    return F.interpolate(x, other.shape[-2:], mode="bilinear", align_corners=False)
