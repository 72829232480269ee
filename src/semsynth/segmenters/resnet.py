"""ResNets with a deep stem, the encoders of the segmenters published by MIT CSAIL."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

_DEPTHS: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


class DeepStemResNet(nn.Module):
    """ResNet (arXiv:1512.03385) whose stem is three 3x3 convolutions; blocks and names below it are torchvision's.

    x (N,3,H,W) -> maps of layer1 ... layer4 with `channels` channels at strides 4, 8, 16, 32, or 4, 8, 8, 8 if dilated
    (arXiv:1511.07122: layer3 and layer4 give up their stride for dilations 2 and 4).

    Args:
        depth: 18, 50 or 101.
        dilated: Whether the last two stages keep stride 8.

    Raises:
        ValueError: there is no such depth.
    """

    def __init__(self, depth: int = 101, *, dilated: bool = False) -> None:
        super().__init__()
        if depth not in _DEPTHS:
            raise ValueError(f"depth must be one of {sorted(_DEPTHS)}, got {depth}")
        block, counts = _DEPTHS[depth]
        self.channels = tuple(block.expansion * width for width in (64, 128, 256, 512))
        self.conv1, self.bn1 = _conv3x3(3, 64, stride=2), nn.BatchNorm2d(64)
        self.conv2, self.bn2 = _conv3x3(64, 64), nn.BatchNorm2d(64)
        self.conv3, self.bn3 = _conv3x3(64, 128), nn.BatchNorm2d(128)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(block, 128, 64, counts[0], stride=1)
        self.layer2 = _stage(block, self.channels[0], 128, counts[1], stride=2)
        self.layer3 = _stage(block, self.channels[1], 256, counts[2], stride=2)
        self.layer4 = _stage(block, self.channels[2], 512, counts[3], stride=2)
        if dilated:
            dilate(self.layer3, 2)
            dilate(self.layer4, 4)
        kaiming(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps of the four stages, finest first."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.maxpool(self.relu(self.bn3(self.conv3(x))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps


def dilate(stage: nn.Module, rate: int) -> None:
    """Replace the stride of a residual stage by a dilation, in place.

    The 3x3 convolution that had the stride sees the grid before it, hence half the rate (as torchvision does it).
    """
    for module in stage.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        strided = module.stride == (2, 2)
        if strided:
            module.stride = (1, 1)
        if module.kernel_size == (3, 3):
            step = rate // 2 if strided else rate
            module.dilation = module.padding = (step, step)


def kaiming(network: nn.Module) -> None:
    """Initialise convolutions for ReLU networks (arXiv:1502.01852); batch norms start as the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


def _stage(block: type[BasicBlock | Bottleneck], inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
    outputs = width * block.expansion
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    return nn.Sequential(block(inputs, width, stride, shortcut), *(block(outputs, width) for _ in range(count - 1)))
