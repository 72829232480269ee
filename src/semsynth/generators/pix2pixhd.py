"""The generator of pix2pixHD: an encoder-decoder of the label map, without modulation."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from semsynth.generators.base import BaseGenerator
from semsynth.generators.feature_clusters import FeatureClusters
from semsynth.generators.label_input import LabelInput
from semsynth.layers.convolution import ImageConv2d
from semsynth.layers.init import initialise_normal
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style

DOWNSAMPLINGS = 4


class ResidualBlock(nn.Module):
    """Reflection padding, 3x3 convolution, instance norm, ReLU, and these once more without the ReLU; added to x.

    >>> tuple(ResidualBlock(4)(torch.randn(1, 4, 8, 8)).shape)
    (1, 4, 8, 8)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_0, self.conv_1 = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in "01")
        self.norm = nn.InstanceNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """x (N,C,H,W), of the same shape."""
        out: Tensor = x + self.norm(self.conv_1(torch.relu(self.norm(self.conv_0(x)))))
        return out


class Down(nn.Sequential):
    """A 3x3 convolution of stride 2 to twice the channels, instance norm, ReLU.

    >>> tuple(Down(4)(torch.randn(1, 4, 8, 8)).shape)
    (1, 8, 4, 4)
    """

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * channels),
                         nn.ReLU())


class Up(nn.Sequential):
    """A transposed 3x3 convolution of stride 2 to half the channels, instance norm, ReLU.

    >>> tuple(Up(4)(torch.randn(1, 4, 8, 8)).shape)
    (1, 2, 16, 16)
    """

    def __init__(self, channels: int) -> None:
        super().__init__(nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1),
                         nn.InstanceNorm2d(channels // 2), nn.ReLU())


class ToImage(nn.Sequential):
    """Reflection padding, a 7x7 convolution to an image, tanh.

    >>> tuple(ToImage(4, 3)(torch.randn(1, 4, 8, 8)).shape)
    (1, 3, 8, 8)
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(nn.ReflectionPad2d(3), ImageConv2d(channels, out_channels, 7), nn.Tanh())


class Trunk(nn.Module):
    """The global network up to its last features: 7x7 convolution, four times down, residual blocks, four times up.

    >>> from semsynth.semantics import Semantics
    >>> trunk = Trunk(LabelInput(num_classes=2, outputs=4), blocks=1)
    >>> tuple(trunk(Semantics(torch.zeros(1, 32, 32, dtype=torch.int64), 2)).shape)
    (1, 4, 32, 32)
    """

    def __init__(self, first: LabelInput, blocks: int = 9) -> None:
        super().__init__()
        width = first.outputs
        self.first, self.norm = first, nn.InstanceNorm2d(width)
        self.down = nn.Sequential(*(Down(width << k) for k in range(DOWNSAMPLINGS)))
        self.blocks = nn.Sequential(*(ResidualBlock(width << DOWNSAMPLINGS) for _ in range(blocks)))
        self.up = nn.Sequential(*(Up(width << k) for k in range(DOWNSAMPLINGS, 0, -1)))

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps to features (N,C,H,W)."""
        return self.behind_first(self.first(semantics, style))

    def behind_first(self, x: Tensor) -> Tensor:
        """What the first convolution gives, to features."""
        features: Tensor = self.up(self.blocks(self.down(torch.relu(self.norm(x)))))
        return features


class InstanceStyled(BaseGenerator):
    """What the networks of pix2pixHD share: sizes by a stride, and styles that are features of instances.

    Args:
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        features: Channels of the instances' features, 0 without an encoder of them.
        clusters: Features of a class between which is drawn, see `FeatureClusters`.
        out_channels: Channels of the image.

    Raises:
        ValueError: the stride does not divide the size; the message names the nearest one that it does.
    """

    stride = 2 ** DOWNSAMPLINGS
    whole = "its instance norms take statistics over the whole picture behind every convolution"

    def __init__(self, num_classes: int, *, size: tuple[int, int], features: int, clusters: int,
                 out_channels: int) -> None:
        super().__init__(size, out_channels)
        self.clusters = FeatureClusters(num_classes, features, clusters) if features else None
        self.styled = bool(features)
        self.readings(*self.size)

    def readings(self, h: int, w: int) -> list[Reading]:
        """The label map itself.

        Raises:
            ValueError: see the class.
        """
        if h % self.stride or w % self.stride or min(h, w) < 2 * self.stride:
            near = [max(2 * self.stride, round(v / self.stride) * self.stride) for v in (h, w)]
            raise ValueError(f"size [{h},{w}]: both sides must be multiples of {self.stride} from {2 * self.stride} "
                             f"on, take size=[{near[0]},{near[1]}]")
        return [Reading(h, w, {"instances"} if self.styled else ())]

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """With `features`, one of its class's clusters for each instance of the label maps, or for each class."""
        return None if self.clusters is None else self.clusters.style(count, semantics, normal)

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images; of N label maps in t * N styles, each t times."""
        if style is None:
            style = self.draw_style(len(semantics), semantics)
        return self._image(self.repeated(semantics, style), style)

    @abstractmethod
    def _image(self, semantics: Semantics, style: Style | None) -> Tensor:
        """Images of as many label maps as styles."""


class Pix2PixHDGenerator(InstanceStyled):
    """The global generator of pix2pixHD (arXiv:1711.11585), which Table I of arXiv:2012.04644 compares with.

    The one-hot label map with the instance edges passes a 7x7 convolution, is halved four times, passes residual
    blocks, is doubled four times by transposed convolutions, and a 7x7 convolution and tanh make the image. Instance
    norm without parameters and ReLU stand behind each convolution: of a label map of a single class the first leaves
    nothing but rounding.

    >>> generator = Pix2PixHDGenerator(num_classes=3, size=(32, 32), ngf=2, blocks=1)
    >>> semantics = generator.prepare(Semantics(torch.zeros(1, 32, 48, dtype=torch.int64), 3))
    >>> tuple(generator(semantics).shape)  # of any size that 16 divides
    (1, 3, 32, 48)

    Shapes:
        semantics: Labels (N,H,W).
        style: With `features`, codes of instances (N,I,features) or of classes (N,K,features); drawn where None.
        output: (N, out_channels, H, W) in [-1, 1].

    Args:
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        ngf: Width of the first and the last layer.
        blocks: Residual blocks.
        edges: Whether the instance edges are one more channel.
        features: Channels of the instances' features, 0 without an encoder of them.
        clusters: Features of a class between which is drawn, see `FeatureClusters`.
        out_channels: Channels of the image.
        init_deviation: Standard deviation of the initial weights.

    Raises:
        ValueError: 16 does not divide the size; the message names the nearest one that it does.
    """

    def __init__(self, num_classes: int, *, size: tuple[int, int] = (256, 256), ngf: int = 64, blocks: int = 9,
                 edges: bool = False, features: int = 0, clusters: int = 10, out_channels: int = 3,
                 init_deviation: float = 0.02) -> None:
        super().__init__(num_classes, size=size, features=features, clusters=clusters, out_channels=out_channels)
        self.trunk = Trunk(LabelInput(num_classes, ngf, edges=edges, features=features), blocks)
        self.to_image = ToImage(ngf, out_channels)
        initialise_normal(self, init_deviation)

    def _image(self, semantics: Semantics, style: Style | None) -> Tensor:
        image: Tensor = self.to_image(self.trunk(semantics, style))
        return image
