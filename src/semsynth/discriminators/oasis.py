"""The discriminator of OASIS: a U-Net that finds the class of each pixel, or that the picture is a fake."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.layers.init import initialise, spectral_norm
from semsynth.semantics import Semantics

WIDTHS = (2, 2, 4, 4, 8, 8)  # of the encoder's outputs, as multiples of ndf


def _convolution(channels_in: int, channels_out: int, kernel: int = 3) -> nn.Module:
    return spectral_norm(nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2))


class _Block(nn.Module):
    """A residual block without norms: two 3x3 convolutions, LeakyReLU 0.2 before each, and a shortcut.

    The shortcut is a 1x1 convolution where the number of channels changes. It is taken at the lower resolution, where
    it costs a quarter and is the same: a 1x1 convolution commutes with averaging and with nearest upsampling.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = _convolution(channels_in, channels_out), _convolution(channels_out, channels_out)
        self.conv_s = _convolution(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()


class _Down(_Block):
    """(N,in,H,W) -> (N,out,H/2,W/2) by averaging; the first one of all convolves without an activation before it."""

    def __init__(self, channels_in: int, channels_out: int, *, first: bool) -> None:
        super().__init__(channels_in, channels_out)
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv_1(x if self.first else F.leaky_relu(x, 0.2))
        inner = self.conv_2(F.leaky_relu(inner, 0.2))
        pooled: Tensor = F.avg_pool2d(inner, 2) + self.conv_s(F.avg_pool2d(x, 2))
        return pooled


class _Up(_Block):
    """(N,in,H,W) -> (N,out,2H,2W) by nearest upsampling before the first convolution."""

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv_1(F.interpolate(F.leaky_relu(x, 0.2), scale_factor=2.0, mode="nearest"))
        inner = self.conv_2(F.leaky_relu(inner, 0.2))
        spread: Tensor = inner + F.interpolate(self.conv_s(x), scale_factor=2.0, mode="nearest")
        return spread


class OASISDiscriminator(nn.Module):
    """U-Net of OASIS (arXiv:2012.04781): images to the logits of every class and, last, of a fake, at each pixel.

    Six residual blocks halve the size, six double it again, each but the first reading the encoder's features of its
    size beside those from below; a 1x1 convolution makes the logits. Spectral norm on all convolutions but the last,
    no other norms. It sees no label map: its losses hold its answer against it, see `semsynth.losses.oasis`.

    >>> network = OASISDiscriminator(num_classes=2, ndf=4, num_blocks=2)
    >>> semantics = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2)
    >>> maps, = network(semantics, torch.randn(2, 3, 16, 16))  # a fake and a real image; there is one scale
    >>> [tuple(m.shape) for m in maps]
    [(2, 8, 8, 8), (2, 4, 16, 16), (2, 3, 16, 16)]

    Shapes:
        semantics: Not read.
        images: (M,image_channels,H,W), H and W multiples of 2**num_blocks.
        output: One scale: the decoder's features, and the logits (M,num_classes+1,H,W), that of a fake last.

    Args:
        num_classes: Label channels, the unknown class included.
        image_channels: Channels of the image.
        ndf: Width of the last block; the first ones have twice, the innermost ones eight times as many channels.
        num_blocks: Blocks of the encoder, and of the decoder, up to 6.
        init_gain: Gain of the Xavier-normal initialisation.

    Raises:
        ValueError: another number of blocks.
    """

    answers = "classes"
    class_indexed = {"last.weight": 0, "last.bias": 0}

    def __init__(self, num_classes: int, *, image_channels: int = 3, ndf: int = 64, num_blocks: int = 6,
                 init_gain: float = 0.02) -> None:
        super().__init__()
        if not 1 <= num_blocks <= len(WIDTHS):
            raise ValueError(f"discriminator.num_blocks must be 1..{len(WIDTHS)}, got {num_blocks}")
        self.num_classes = num_classes
        widths = [ndf * multiple for multiple in WIDTHS[:num_blocks]]
        self.down = nn.ModuleList(_Down(channels, width, first=not k) for k, (channels, width)
                                  in enumerate(zip([image_channels, *widths], widths, strict=False)))
        outputs = [*widths[-2::-1], ndf]
        below = [0, *outputs]  # what comes from below beside the encoder's features
        self.up = nn.ModuleList(_Up(skip + under, width) for skip, under, width
                                in zip(widths[::-1], below, outputs, strict=False))
        self.last = nn.Conv2d(ndf, num_classes + 1, 1)
        initialise(self, init_gain)

    def forward(self, semantics: Semantics, images: Tensor) -> list[list[Tensor]]:
        """Features and logits.

        Raises:
            ValueError: the size is no multiple of 2**num_blocks.
        """
        stride = 2 ** len(self.down)
        if any(side % stride for side in images.shape[-2:]):
            raise ValueError(f"OASIS's discriminator halves pictures {len(self.down)} times, got "
                             f"{images.shape[-2]}x{images.shape[-1]}: take a size of multiples of {stride}, or fewer "
                             "discriminator.num_blocks")
        x, skips = for_convolutions(images), []
        for block in self.down:
            x = block(x)
            skips.append(x)
        maps: list[Tensor] = []
        for block in self.up:
            skip = skips.pop()
            maps.append(block(torch.cat([skip, maps[-1]], 1) if maps else skip))
        return [[*maps, self.last(maps[-1])]]
