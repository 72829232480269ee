"""The local enhancer of pix2pixHD, which brings the global network to twice the size."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.label_input import LabelInput
from semsynth.generators.pix2pixhd import DOWNSAMPLINGS, Down, InstanceStyled, ResidualBlock, ToImage, Trunk, Up
from semsynth.layers.init import initialise_normal
from semsynth.semantics import Semantics
from semsynth.style import Style


class Pix2PixHDLocalGenerator(InstanceStyled):
    """The global network of pix2pixHD on a halved label map with a local enhancer around it (arXiv:1711.11585).

    The enhancer is half as wide: a 7x7 convolution of the label map, halved once; the last features of the global
    network are added; residual blocks, a transposed convolution, and a 7x7 convolution and tanh make the image. The
    label map is halved by averages, so that it is soft there.

    It is trained in stages: a `Pix2PixHDGenerator` of half the size, then from its weights (`init_from`) the enhancer
    alone, then both; see `semsynth.training.staged`.

    >>> generator = Pix2PixHDLocalGenerator(num_classes=3, size=(64, 64), ngf=2, blocks=1)
    >>> semantics = generator.prepare(Semantics(torch.zeros(1, 64, 96, dtype=torch.int64), 3))
    >>> tuple(generator(semantics).shape)  # of any size that 32 divides
    (1, 3, 64, 96)

    Shapes and arguments: those of `Pix2PixHDGenerator`, and

    Args:
        ngf: Width of the global network; 64 as released, where it is called 2 * 32.
        local_blocks: Residual blocks of the enhancer.

    Raises:
        ValueError: 32 does not divide the size; the message names the nearest one that it does.
    """

    stride = 2 ** (DOWNSAMPLINGS + 1)

    def __init__(self, num_classes: int, *, size: tuple[int, int] = (1024, 2048), ngf: int = 64, blocks: int = 9,
                 local_blocks: int = 3, edges: bool = False, features: int = 0, clusters: int = 10,
                 out_channels: int = 3, init_deviation: float = 0.02) -> None:
        super().__init__(num_classes, size=size, features=features, clusters=clusters, out_channels=out_channels)
        self.trunk = Trunk(LabelInput(num_classes, ngf, edges=edges, features=features), blocks)
        width = ngf // 2
        self.first = LabelInput(num_classes, width, edges=edges, features=features)
        self.norm = nn.InstanceNorm2d(width)
        self.down = Down(width)
        self.blocks = nn.Sequential(*(ResidualBlock(ngf) for _ in range(local_blocks)))
        self.up = Up(ngf)
        self.to_image = ToImage(width, out_channels)
        initialise_normal(self, init_deviation)

    def grown_around(self, trained: Collection[str]) -> Collection[str]:
        """The enhancer, where a network is a global one alone, whose last layer is another."""
        enhancer = {"first", "down", "blocks", "up", "to_image"}
        return () if enhancer <= {name.partition(".")[0] for name in trained} else enhancer

    @property
    def trained_before(self) -> nn.Module:
        """The part that the first stage has trained."""
        return self.trunk

    def _image(self, semantics: Semantics, style: Style | None) -> Tensor:
        halved = F.avg_pool2d(self.trunk.first.channels(semantics, style), 3, stride=2, padding=1,
                              count_include_pad=False)
        coarse = self.trunk.behind_first(self.trunk.first.convolved(halved))
        fine = self.down(torch.relu(self.norm(self.first(semantics, style))))
        image: Tensor = self.to_image(self.up(self.blocks(fine + coarse)))
        return image
