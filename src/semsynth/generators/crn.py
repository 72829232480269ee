"""The cascaded refinement network."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.base import BaseGenerator
from semsynth.layers.convolution import ImageConv2d
from semsynth.semantics import Reading, Semantics
from semsynth.semantics.shared_channels import shared_channels
from semsynth.style import Normal, Style

START = 4  # pixels on the shorter side with which it begins


def width_at(side: int, ngf: int) -> int:
    """Channels of the module at `side` pixels on the shorter side: 1024 up to 64 with `ngf` 64, fewer above."""
    return 16 * ngf if side <= 64 else 8 * ngf if side <= 256 else 2 * ngf if side <= 512 else max(1, ngf // 2)


class RefinementModule(nn.Module):
    """Two 3x3 convolutions without bias, each with layer norm (over channels and positions) and LeakyReLU 0.2.

    >>> module = RefinementModule(channels_in=5, channels=4)
    >>> tuple(module(torch.randn(2, 5, 8, 8)).shape)
    (2, 4, 8, 8)
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.norm_0 = nn.GroupNorm(1, channels, eps=1e-12)
        self.conv_1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_1 = nn.GroupNorm(1, channels, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """x (N,channels_in,H,W) -> (N,channels,H,W)."""
        x = F.leaky_relu(self.norm_0(self.conv_0(x)), 0.2)
        return F.leaky_relu(self.norm_1(self.conv_1(x)), 0.2)


class CRNGenerator(BaseGenerator):
    """Cascaded refinement network (arXiv:1707.09405), which is trained by regression, without a discriminator.

    Modules from 4 pixels on the shorter side, doubling, to the size of the image. Each reads the features of the one
    before, enlarged bilinearly, and the label map averaged down to its size, which is soft there; a 1x1 convolution
    makes the image. With `pictures` it makes several of a label map, of which a style chooses one. A larger one starts
    from the weights of a smaller (`init_from`), whose modules it has.

    >>> generator = CRNGenerator(num_classes=3, size=(16, 32), ngf=2)
    >>> semantics = generator.prepare(Semantics(torch.zeros(2, 16, 32, dtype=torch.int64), 3))
    >>> [tuple(level.shape) for level in generator.pyramid(semantics)]  # the label maps that it reads
    [(2, 3, 4, 8), (2, 3, 8, 16), (2, 3, 16, 32)]
    >>> tuple(generator(semantics).shape)
    (2, 3, 16, 32)

    Shapes:
        semantics: Labels (N,H,W).
        style: With `pictures`, a vector (N,pictures): the largest number says which one.
        output: (N,out_channels,H,W); in [-1, 1] in evaluation mode, and not limited in training.

    Args:
        num_classes: Label channels of the data set.
        size: (H, W) of the training images: 4 times a power of two on the shorter side.
        ngf: 1/16 of the width up to 64 pixels, see `width_at`.
        channels: Input channel of each class, where several classes share one; None: each has its own.
        pictures: Of a label map; 9 in the paper's diverse synthesis.
        out_channels: Channels of a picture.

    Raises:
        ValueError: a size or channels that cannot be; the message says which can.
    """

    whole = "its layer norms take statistics over the whole picture behind every convolution"

    def __init__(self, num_classes: int, *, size: tuple[int, int] = (256, 256), ngf: int = 64,
                 channels: Sequence[int] | None = None, pictures: int = 1, out_channels: int = 3) -> None:
        super().__init__(size, out_channels)
        if pictures < 1:
            raise ValueError(f"pictures must be 1 or more, got {pictures}")
        if channels is not None and (len(channels) != num_classes or {*channels} != {*range(max(channels) + 1)}):
            raise ValueError(f"channels must say one for each of {num_classes} classes, counted from 0 without gaps; "
                             f"got {len(channels)}: {list(channels)}")
        self.num_classes, self.pictures, self.styled = num_classes, pictures, pictures > 1
        self.channels = None if channels is None else tuple(channels)
        inputs = num_classes if channels is None else max(channels) + 1
        shorter = min(self.size)
        self.doublings = max(0, round(math.log2(max(1, shorter) / START)))
        if shorter != START << self.doublings:
            raise ValueError(f"size [{self.size[0]},{self.size[1]}]: the shorter side must be {START} times a power of "
                             f"two, such as {START << self.doublings}")
        self.readings(*self.size)
        self.stages = nn.ModuleList()
        before = 0
        for k in range(self.doublings + 1):
            width = width_at(START << k, ngf)
            self.stages.append(RefinementModule(before + inputs, width))
            before = width
        self.to_image = ImageConv2d(before, out_channels * pictures, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(self.to_image.bias)  # type: ignore[arg-type]

    def readings(self, h: int, w: int) -> list[Reading]:
        """The label map itself, which is averaged and not sampled.

        Raises:
            ValueError: the doublings do not divide the size; names the nearest that they do.
        """
        stride = 1 << self.doublings
        if h % stride or w % stride or not (h and w):
            near = [max(stride, round(v / stride) * stride) for v in (h, w)]
            raise ValueError(f"size [{h},{w}] is no multiple of {stride}: take size=[{near[0]},{near[1]}]")
        return [Reading(h, w)]

    def grown_around(self, trained: Collection[str]) -> Collection[str]:
        """The modules that a network of a smaller size has not, and the last layer, which reads their features."""
        modules = [f"stages.{k}" for k in range(len(self.stages))]
        new = [module for module in modules if not any(name.startswith(f"{module}.") for name in trained)]
        return [*new, "to_image"] if 0 < len(new) < len(modules) else []

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """With `pictures`, one of them, all equally likely; None without."""
        if not self.styled:
            return None
        shape, weight = (count, self.pictures), self.to_image.weight
        numbers = torch.randn(shape, device=weight.device) if normal is None else normal(shape)
        return Style(vector=numbers.to(weight))

    def pyramid(self, semantics: Semantics) -> list[Tensor]:
        """Label maps (N,K,h,w) of all modules, the smallest first: averages over 2x2 pixels, again and again."""
        level = semantics.one_hot(dtype=self.to_image.weight.dtype)
        levels = [shared_channels(level, self.channels)]
        for _ in range(self.doublings):
            levels.append(F.avg_pool2d(levels[-1], 2))
        return levels[::-1]

    def all_pictures(self, semantics: Semantics) -> Tensor:
        """All pictures of each label map, (N,pictures,out_channels,H,W), as trained: not limited to [-1, 1]."""
        x: Any = None
        for level, stage in zip(self.pyramid(semantics), self.stages, strict=True):
            if x is not None:
                x = F.interpolate(x, level.shape[2:], mode="bilinear", align_corners=True)
            x = stage(level if x is None else torch.cat([x, level], 1))
        out: Tensor = self.to_image(x)  # the reds of all pictures, their greens, their blues
        return out.unflatten(1, (self.out_channels, self.pictures)).transpose(1, 2)

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps to images, one of each; of N label maps in t * N styles, t of each."""
        pictures = self.all_pictures(semantics)
        if self.styled:
            style = self.draw_style(len(semantics), semantics) if style is None else style
            if style is None or style.vector is None or style.vector.shape[1] != self.pictures:
                raise ValueError(f"this network makes {self.pictures} pictures, of which a style vector of as many "
                                 "numbers chooses one: give such a style")
            chosen = style.vector.argmax(1).to(pictures.device)
            maps = torch.arange(len(pictures), device=pictures.device)
            image = pictures[maps.repeat(self.times(semantics, style)), chosen]
        else:
            image = pictures[:, 0]
        return image if self.training else image.clamp(-1, 1)
