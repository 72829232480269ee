"""The style encoder of SEAN, which reads a code for each class off a photograph and its label map."""

from __future__ import annotations

from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.layers.init import initialise
from semsynth.semantics import Semantics
from semsynth.semantics.regions import mean_by_class
from semsynth.style import Style


class RegionStyleEncoder(nn.Module):
    """Images to a code of each class: features at half the size, averaged over its pixels (SEAN, arXiv:1911.12861).

    A 3x3 convolution, two of stride 2, a transposed one, each with instance norm and LeakyReLU 0.2; a 3x3 convolution,
    tanh. The label map is resized (nearest) to the features; classes without a pixel there have zeros for a code.

    >>> import torch
    >>> encoder = RegionStyleEncoder(codes=6, nef=2)
    >>> semantics = Semantics(torch.arange(32).expand(1, 32, 32) // 16, 3)
    >>> style = encoder.encode(torch.randn(1, 3, 32, 32), semantics)
    >>> tuple(style.classes.shape), style.classes[0].abs().amax(1).gt(0).tolist()
    ((1, 3, 6), [True, True, False])

    Args:
        codes: Length of a code.
        nef: Width of the first layer.
        init_gain: Gain of the Xavier-normal initialisation.
    """

    def __init__(self, codes: int = 512, *, nef: int = 32, init_gain: float = 0.02) -> None:
        super().__init__()
        self.codes = codes

        def normed(layer: nn.Module, width: int) -> list[nn.Module]:
            return [layer, nn.InstanceNorm2d(width), nn.LeakyReLU(0.2)]

        up = nn.ConvTranspose2d(4 * nef, 8 * nef, 3, stride=2, padding=1, output_padding=1)
        self.model = nn.Sequential(
            nn.ReflectionPad2d(1), *normed(nn.Conv2d(3, nef, 3), nef),
            *normed(nn.Conv2d(nef, 2 * nef, 3, stride=2, padding=1), 2 * nef),
            *normed(nn.Conv2d(2 * nef, 4 * nef, 3, stride=2, padding=1), 4 * nef),
            *normed(up, 8 * nef), nn.ReflectionPad2d(1), nn.Conv2d(8 * nef, codes, 3), nn.Tanh())
        initialise(self, init_gain)

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The codes of the classes of images with these label maps.

        Raises:
            ValueError: there are no label maps, or of another size.
        """
        if semantics is None:
            raise ValueError("this encoder reads a style for each class: it needs the label map of the picture whose "
                             "style it shall take")
        if image.shape[-2:] != semantics.size:
            raise ValueError(f"the picture is of {tuple(image.shape[-2:])}, its label map of {semantics.size}")
        maps = self(image.to(next(self.parameters()))).float()
        size = maps.shape[2], maps.shape[3]
        return Style(classes=mean_by_class(maps, semantics.to(maps.device).prepare([size]).at(*size)))

    def forward(self, image: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] to features (N,codes,H/2,W/2), not averaged."""
        maps: Tensor = self.model(for_convolutions(image))
        return maps
