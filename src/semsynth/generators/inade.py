"""The generator of INADE: a start grid from noise, and a code for every instance in the norms."""

from __future__ import annotations

from dataclasses import replace

import torch

from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.schedule import NormFactory, Schedule
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style

INSTANCES = 64  # whose numbers are drawn at once: the first of a picture's do not depend on how many the others have


class INADEGenerator(SPADEGenerator):
    """Generator of INADE (arXiv:2103.10868): `SPADEGenerator` that starts from noise; its norm is `INADE`.

    The style is a vector of `start` numbers, from which a linear layer makes the start grid, and a code of 2 * `noise`
    numbers for each instance, or for each class. Published is a vector that is random whatever the codes: `completed`
    draws one for a style without, as an encoder says it. A style that comes without is given one all the same, in
    training from torch's random state; in evaluation it is then one for all pictures, so that a style has one picture.

    >>> from semsynth.norms.inade import INADE
    >>> generator = INADEGenerator(INADE, num_classes=2, size=(16, 16), ngf=2, upsamplings=2)
    >>> labels, instances = torch.zeros(1, 16, 16, dtype=torch.int64), torch.arange(16).expand(1, 16, 16) // 8
    >>> semantics = generator.prepare(Semantics(labels, 2, instances=instances))
    >>> style = generator.draw_style(1, semantics)
    >>> tuple(style.vector.shape), tuple(style.instances.shape), tuple(generator(semantics, style).shape)
    ((1, 256), (1, 2, 128), (1, 3, 16, 16))

    Args:
        norm: Norm factory (channels, num_classes) -> Norm, or a `Schedule` of them by block.
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images, the only one that it makes.
        ngf: Width of the last block.
        start: Length of the vector.
        noise: Half the length of an instance's code.
        upsamplings: Number of x2 upsamplings, None to let the size decide, see `SPADEGenerator`.
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: no vector, or norms that read codes of another length.
    """

    def __init__(self, norm: NormFactory | Schedule, num_classes: int, *, size: tuple[int, int] = (256, 256),
                 ngf: int = 64, start: int = 256, noise: int = 64, upsamplings: int | None = None,
                 out_channels: int = 3, init_gain: float = 0.02, checkpointing: bool = False) -> None:
        if start < 1:
            raise ValueError(f"generator.start must be >= 1, got {start}")
        super().__init__(norm, num_classes, size=size, ngf=ngf, z_dim=start, upsamplings=upsamplings,
                         out_channels=out_channels, init_gain=init_gain, checkpointing=checkpointing)
        if self.class_codes not in (0, 2 * noise):
            raise ValueError(f"the norm reads codes of {self.class_codes} numbers, generator.noise={noise} says "
                             f"{2 * noise}: take norm=inade, and norm.noise as generator.noise")

    def readings(self, h: int, w: int) -> list[Reading]:
        """As `SPADEGenerator`; at full size the instances, of which the encoder and the drawn styles are."""
        *others, full = super().readings(h, w)
        return [*others, Reading(h, w, full.needs | {"regions"})]

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """A vector, and codes of the instances of label maps, or of the classes of `count` pictures without."""
        codes = self.num_classes
        if semantics is not None and not semantics.labels.is_meta:
            codes = semantics.regions().classes.shape[1]
        shape = (count, self.z_dim + self.class_codes * -(-codes // INSTANCES) * INSTANCES)
        weight = self.conv_img.weight
        numbers = torch.randn(shape, device=weight.device) if normal is None else normal(shape)
        vector, rest = numbers.to(weight).split([self.z_dim, shape[1] - self.z_dim], 1)
        if not self.class_codes:
            return Style(vector=vector)
        drawn = rest.view(count, -1, self.class_codes)[:, :codes]
        if semantics is None or semantics.labels.is_meta:
            return Style(vector=vector, classes=drawn)
        return Style(vector=vector, instances=drawn)

    def completed(self, style: Style, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """A style with a vector, drawn where it has none."""
        if style.vector is not None:
            return style
        weight = self.conv_img.weight
        shape = (len(style), self.z_dim)
        vector = torch.randn(shape, device=weight.device) if normal is None else normal(shape)
        return replace(style, vector=vector.to(weight))

    def read(self, semantics: Semantics, style: Style | None) -> Style | None:
        """The style with a vector, drawn where it has none."""
        style = super().read(semantics, style)
        if style is None or style.vector is not None:
            return style
        weight = self.conv_img.weight
        if self.training:
            vector = torch.randn(len(style), self.z_dim, device=weight.device, dtype=weight.dtype)
        else:
            numbers = torch.randn(1, self.z_dim, generator=torch.Generator().manual_seed(0))
            vector = numbers.to(weight).expand(len(style), -1)
        return replace(style, vector=vector)
