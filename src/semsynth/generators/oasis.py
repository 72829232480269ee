"""The generator of OASIS: noise beside the label map, at the start and in the norms that read it."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from semsynth.generators.spade import SPADEGenerator
from semsynth.layers.init import initialise
from semsynth.norms.noise import noise_map
from semsynth.norms.schedule import NormFactory, Schedule
from semsynth.semantics import Semantics
from semsynth.style import Normal, Style

NoisePer = Literal["picture", "class", "pixel"]
UPSAMPLINGS = 5


class OASISGenerator(SPADEGenerator):
    """Generator of OASIS (arXiv:2012.04781): six blocks from 1/32 of the size, noise for a style.

    A 3x3 convolution of the resized one-hot map and `noise` channels makes the start grid; then six residual blocks
    with nearest x2 upsampling between them, LeakyReLU 0.2, a 3x3 convolution, tanh. The published norm in the blocks
    is `semsynth.norms.spade_noise.SPADE_Noise`; any other norm will do, and then noise enters at the start alone,
    unless it is `semsynth.norms.clade_noise.CLADE_Noise`, which reads it as well.

    >>> from semsynth.norms.clade_noise import CLADE_Noise
    >>> generator = OASISGenerator(CLADE_Noise, num_classes=2, size=(32, 32), ngf=2, noise_per="class")
    >>> semantics = generator.prepare(Semantics(torch.zeros(3, 32, 32, dtype=torch.int64), 2))
    >>> style = generator.draw_style(3)
    >>> tuple(style.classes.shape), tuple(generator(semantics, style).shape)
    ((3, 2, 64), (3, 3, 32, 32))

    Shapes:
        semantics: Labels (N,H,W), prepared with `generator.prepare`.
        style: Noise: a vector (N,noise) for the picture, classes (N,K,noise), or a map noise (N,noise,H,W), whatever
            is drawn in training; see `semsynth.semantics.regions.by_region` for codes of instances. Drawn when None.
        output: (N, out_channels, H, W) in [-1, 1].

    Args:
        norm: Norm factory (channels, num_classes) -> Norm, or a `Schedule` of them by block.
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images, multiples of 32.
        ngf: Width of the last block.
        noise: Channels of noise.
        noise_per: What `draw_style` draws a code for: the `picture`, as published; each `class` of it; each `pixel`.
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: no noise, another `noise_per`, or a size that is no multiple of 32.
    """

    plan = (("0", 16, None), ("1", 16, 5), ("2", 8, 4), ("3", 4, 3), ("4", 2, 2), ("5", 1, 1))

    def __init__(self, norm: NormFactory | Schedule, num_classes: int, *, size: tuple[int, int] = (256, 256),
                 ngf: int = 64, noise: int = 64, noise_per: NoisePer = "picture", out_channels: int = 3,
                 init_gain: float = 0.02, checkpointing: bool = False) -> None:
        if noise < 1:
            raise ValueError(f"generator.noise must be >= 1, got {noise}")
        if noise_per not in get_args(NoisePer):
            raise ValueError(f"generator.noise_per must be {', '.join(get_args(NoisePer))}, got {noise_per!r}")
        super().__init__(norm, num_classes, size=size, ngf=ngf, upsamplings=UPSAMPLINGS, out_channels=out_channels,
                         init_gain=init_gain, checkpointing=checkpointing)
        self.noise, self.noise_per, self.styled = noise, noise_per, True
        self.z_dim = noise if noise_per == "picture" else 0  # of styles that are vectors
        self.fc = nn.Conv2d(num_classes + noise, self.start_channels, 3, padding=1)
        initialise(self.fc, init_gain)

    @property
    def class_indexed(self) -> dict[str, int]:
        """The inputs of the first convolution: the noise follows the classes."""
        return {"fc.weight": 1}

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """The noise of `count` pictures, from N(0, 1).

        Args:
            count: Of pictures.
            semantics: Their label maps, whose size noise for each pixel has; None: that of the training images.
            normal: Makes the numbers; None: torch's own random state, where the weights are.
        """
        weight = self.conv_img.weight

        def made(*shape: int) -> Tensor:
            if normal is None:
                return torch.randn(shape, device=weight.device, dtype=weight.dtype)
            return normal(shape).to(weight)

        if self.noise_per == "class":
            return Style(classes=made(count, self.num_classes, self.noise))
        if self.noise_per == "pixel":
            return Style(noise=made(count, self.noise, *(self.size if semantics is None else semantics.size)))
        return Style(vector=made(count, self.noise))

    def _start(self, semantics: Semantics, style: Style | None) -> Tensor:
        assert style is not None  # `forward` draws one
        view = semantics.at(*self.start_size(*semantics.size))
        if len(style) > len(view):
            view = view.repeat(len(style) // len(view))
        classes = view.one_hot(dtype=self.conv_img.weight.dtype)
        start: Tensor = self.fc(torch.cat([classes, noise_map(style, view, self.noise).to(classes)], 1))
        return start
