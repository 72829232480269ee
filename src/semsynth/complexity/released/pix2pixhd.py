"""The released pix2pixHD: the first convolution is one of a one-hot map."""

from __future__ import annotations

from torch import Tensor

from semsynth.generators.base import BaseGenerator
from semsynth.generators.pix2pixhd import InstanceStyled
from semsynth.norms.base import plain_formula
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style


class PublishedPix2PixHD(BaseGenerator):
    """The global generator, or the local enhancer around it, as published: ours by its plain formula."""

    def __init__(self, generator: InstanceStyled) -> None:
        super().__init__(generator.size, generator.out_channels)
        self.network, self.styled = generator, generator.styled
        self.draw_style = generator.draw_style  # type: ignore[method-assign]

    def readings(self, h: int, w: int) -> list[Reading]:
        """The label map itself."""
        return self.network.readings(h, w)

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images (N,3,H,W) in [-1,1]."""
        with plain_formula():
            image: Tensor = self.network(semantics, style)
        return image
