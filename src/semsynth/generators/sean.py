"""The generator of SEAN: SPADE's, whose norms read a style for each class."""

from __future__ import annotations

from dataclasses import replace

import torch

from semsynth.generators.class_codes import ClassCodes
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.ace import ACE
from semsynth.norms.schedule import NormFactory, Schedule
from semsynth.semantics import Semantics
from semsynth.style import Normal, Style


class SEANGenerator(SPADEGenerator):
    """Generator of SEAN (arXiv:1911.12861): `SPADEGenerator` with the norm ACE, a style of each class and noise.

    The start grid comes from the label map; edges are not read, as published. Published, norms read styles in the first
    six blocks. Codes of zeros, as an encoder gives to classes that its picture lacks, are replaced by the mean of the
    class over the training set (`codes`).

    >>> from functools import partial
    >>> from semsynth.norms.schedule import Mixed
    >>> norm = Mixed(partial(ACE, codes=8), partial(ACE, styled=False), transition=6)
    >>> generator = SEANGenerator(norm, num_classes=2, size=(32, 32), ngf=2)
    >>> semantics = generator.prepare(Semantics(torch.zeros(3, 32, 32, dtype=torch.int64), 2))
    >>> style = generator.draw_style(3)
    >>> tuple(style.classes.shape), tuple(style.noise.shape), tuple(generator(semantics, style).shape)
    ((3, 2, 8), (3, 18, 32, 32), (3, 3, 32, 32))

    Shapes:
        semantics: Labels (N,H,W), prepared with `generator.prepare`.
        style: Its classes (N,K,codes), and noise (N,L,H,W), a map for each of L norms; noise is drawn where it holds
            none, all of it when None.
        output: (N, out_channels, H, W) in [-1, 1].

    Args:
        norm: Norm factory (channels, num_classes) -> ACE, or a `Schedule` of them by block.
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        ngf: Width of the last block.
        upsamplings: Number of x2 upsamplings, None to let the size decide.
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: a norm that reads no styles by class, or a size that is no multiple of 2**upsamplings.
    """

    def __init__(self, norm: NormFactory | Schedule, num_classes: int, *, size: tuple[int, int] = (256, 256),
                 ngf: int = 64, upsamplings: int | None = None, out_channels: int = 3, init_gain: float = 0.02,
                 checkpointing: bool = False) -> None:
        super().__init__(norm, num_classes, size=size, ngf=ngf, upsamplings=upsamplings, out_channels=out_channels,
                         init_gain=init_gain, checkpointing=checkpointing)
        norms = [module for module in self.modules() if isinstance(module, ACE)]
        if not any(norm.reads_style for norm in norms):
            raise ValueError("generator=sean reads styles by class in its norms: take norm=ace or norm=ace_clade")
        for layer, own in enumerate(norms):
            own.layer = layer
        self.layers = len(norms)
        self.codes = ClassCodes(num_classes, self.class_codes)

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """Codes and noise of `count` pictures.

        Args:
            count: Of pictures.
            semantics: Their label maps, whose size the noise has; None: that of the training images.
            normal: Makes N(0, 1) numbers; None: torch's own random state, where the weights are.
        """
        return self.completed(Style(classes=self.codes.drawn(count, normal)), semantics, normal)

    def check_drawn(self) -> None:
        """Whether averages of codes were made, which styles are drawn around; a ValueError says that they were not."""
        self.codes.check_drawn()

    def completed(self, style: Style, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """A style with the means of classes that it has no code of, and with noise, drawn where it has none."""
        if style.classes is not None:
            style = replace(style, classes=self.codes.filled(style.classes.to(self.codes.means)))
        if style.noise is not None:
            return style
        weight = self.conv_img.weight
        shape = (len(style), self.layers, *(self.size if semantics is None else semantics.size))
        noise = torch.randn(shape, device=weight.device) if normal is None else normal(shape)
        return replace(style, noise=noise.to(weight))

    def read(self, semantics: Semantics, style: Style | None) -> Style | None:
        """With the means of classes that the style has no code of."""
        if style is None:
            style = Style(classes=self.codes.drawn(len(semantics)))  # norms draw their noise, each at its size
        if style.classes is None:
            return style  # the norms say what is missing
        return replace(style, classes=self.codes.filled(style.classes.to(self.codes.means)))
