"""The encoder of pix2pixHD, which reads the features of instances off a photograph."""

from __future__ import annotations

from torch import Tensor, nn

from semsynth.layers.init import initialise_normal
from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Style

DEPTH = 4


class InstanceFeatureEncoder(nn.Module):
    """Images to a few features of each instance, averaged over its pixels (arXiv:1711.11585).

    A 7x7 convolution, four convolutions of stride 2 and four transposed ones, each with instance norm and ReLU; a 7x7
    convolution, tanh. Without an instance map the pixels of a class are an instance.

    >>> import torch
    >>> encoder = InstanceFeatureEncoder(nef=2)
    >>> semantics = Semantics(torch.arange(32).expand(1, 32, 32) // 16, 2)
    >>> tuple(encoder.encode(torch.randn(1, 3, 32, 32), semantics).instances.shape)
    (1, 2, 3)

    Args:
        features: Of an instance.
        nef: Width of the first layer.
        init_deviation: Standard deviation of the initial weights.
    """

    def __init__(self, features: int = 3, *, nef: int = 16, init_deviation: float = 0.02) -> None:
        super().__init__()
        self.features = features

        def normed(layer: nn.Module, width: int) -> list[nn.Module]:
            return [layer, nn.InstanceNorm2d(width), nn.ReLU()]

        layers = [nn.ReflectionPad2d(3), *normed(nn.Conv2d(3, nef, 7), nef)]
        for k in range(DEPTH):
            layers += normed(nn.Conv2d(nef << k, nef << k + 1, 3, stride=2, padding=1), nef << k + 1)
        for k in range(DEPTH, 0, -1):
            up = nn.ConvTranspose2d(nef << k, nef << k - 1, 3, stride=2, padding=1, output_padding=1)
            layers += normed(up, nef << k - 1)
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(nef, features, 7), nn.Tanh())
        initialise_normal(self, init_deviation)

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The features of the instances of images with these label maps.

        Raises:
            ValueError: there are no label maps, or of another size.
        """
        if semantics is None:
            raise ValueError("this encoder reads the features of instances: it needs the label map of the picture "
                             "whose style it shall take")
        if image.shape[-2:] != semantics.size:
            raise ValueError(f"the picture is of {tuple(image.shape[-2:])}, its label map of {semantics.size}")
        maps = self(image.to(next(self.parameters())))
        return Style(instances=Regions.of(semantics).mean(maps))

    def forward(self, image: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] to features (N,features,H,W), not averaged."""
        maps: Tensor = self.model(image)
        return maps
