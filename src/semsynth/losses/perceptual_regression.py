"""The losses of the cascaded refinement network: perceptual regression, and its diverse form."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.convolution import for_convolutions
from semsynth.losses.frozen_features import FrozenFeatures
from semsynth.losses.inputs import LossInputs, RegressionLossInputs
from semsynth.losses.perceptual import load_vgg_weights, vgg19_maps
from semsynth.semantics.shared_channels import shared_channels
from semsynth.sharing import processes, summed

_TAPS = (3, 8, 13, 22, 31)  # relu1_2, relu2_2, relu3_2, relu4_2, relu5_2 in torchvision's `features`
MEAN = (123.68, 116.779, 103.939)
IMAGENET = (58.395, 57.12, 57.375)
SHARES = (1.0, 1.0, 1.0, 1.0, 1.0, 10.0)  # of the pixels and the five maps, once each is divided by its usual size


class _PixelsAndMaps(nn.Module):
    """RGB of 0..255 minus the means -> these, and VGG-19's maps, with average pooling."""

    deviation: Tensor

    def __init__(self, weights: str, deviation: Sequence[float]) -> None:
        super().__init__()
        self.maps = vgg19_maps(weights, _TAPS)
        for index, layer in enumerate(self.maps):
            if isinstance(layer, nn.MaxPool2d):
                self.maps[index] = nn.AvgPool2d(2)
        self.register_buffer("deviation", torch.tensor(deviation).view(3, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, *self.maps(x / self.deviation)]


class PerceptualRegression(FrozenFeatures):
    """L1 of the pixels (of 0..255) and of five maps of VGG-19 with average pooling (arXiv:1707.09405).

    The paper weighs each of them by one over its usual size, the deepest ten times that; the released weights are those
    numbers for MatConvNet's VGG-19 and a data set. Without `layer_weights` they are measured in the first iterations,
    and stay.

    Args:
        weights: `imagenet` for torchvision's weights (see `load_vgg_weights`), or a path of such a state dict.
        deviation: By which RGB values are divided for VGG-19: ImageNet's for torchvision's weights, 1 for MatConvNet's.
        layer_weights: Of the pixels and relu1_2 to relu5_2; None: measured.
        warmup: Iterations in which they are.
        weight: The term's weight.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
        ValueError: not six layer weights, or no warm-up to measure them in.
    """

    total: Tensor
    seen: Tensor

    def __init__(self, weights: str = "imagenet", *, deviation: Sequence[float] = IMAGENET,
                 layer_weights: Sequence[float] | None = None, warmup: int = 100, weight: float = 1.0) -> None:
        if layer_weights is not None and len(layer_weights) != len(SHARES):
            raise ValueError(f"layer_weights must be {len(SHARES)} numbers, got {list(layer_weights)}")
        if layer_weights is None and warmup < 1:
            raise ValueError(f"warmup must be 1 or more where layer_weights are measured, got {warmup}")
        super().__init__(_PixelsAndMaps(weights, deviation), layer_weights or SHARES, weight)
        self.measured, self.warmup = layer_weights is None, warmup
        self.register_buffer("total", torch.zeros(len(SHARES)))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @classmethod
    def preflight(cls, weights: str = "imagenet", **_: object) -> None:
        """Fail before anything is built where the weights cannot be had (downloads them where they can)."""
        load_vgg_weights(weights)

    def prepared(self, image: Tensor) -> Tensor:
        """RGB of 0..255 minus the means."""
        return for_convolutions((image + 1) * 127.5 - image.new_tensor(MEAN).view(3, 1, 1))

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        with torch.no_grad():
            targets = self.features(inputs.real)
        distances = torch.stack([F.l1_loss(fake.float(), real.float())
                                 for fake, real in zip(self.features(inputs.fake), targets, strict=True)])
        return (self.factors(distances) * distances).sum()

    @torch.no_grad()
    def factors(self, distances: Tensor) -> Tensor:
        """The weight of each distance (6,), which are seen once an iteration."""
        shares = distances.new_tensor(self.layer_weights)
        if not self.measured:
            return shares
        if self.training and int(self.seen) < self.warmup:
            self.total += summed(distances) / processes()[1]
            self.seen += 1
        mean = self.total / self.seen.clamp_min(1)
        return shares / torch.where(self.seen > 0, mean, distances.detach()).clamp_min(1e-20)


class DiversePerceptualRegression(PerceptualRegression):
    """The same for several pictures of a label map: each class has to be right in one of them (arXiv:1707.09405).

    With C[u, c] the weighted distances of picture u, summed over the pixels of class c alone and divided by the number
    of all pixels: `share` * sum_c min_u C[u, c] + (1 - `share`) * sum_c mean_u C[u, c].

    Args:
        share: Of the best picture.
        channels: Channel of each class, where several count as one; None: each counts.
        weights, deviation, layer_weights, warmup, weight: As of `PerceptualRegression`.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
        ValueError: as for `PerceptualRegression`.
    """

    def __init__(self, weights: str = "imagenet", *, share: float = 0.999, channels: Sequence[int] | None = None,
                 deviation: Sequence[float] = IMAGENET, layer_weights: Sequence[float] | None = None,
                 warmup: int = 100, weight: float = 1.0) -> None:
        super().__init__(weights, deviation=deviation, layer_weights=layer_weights, warmup=warmup, weight=weight)
        self.share, self.channels = share, channels

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        pictures = inputs.pictures if isinstance(inputs, RegressionLossInputs) else None
        if pictures is None:
            pictures = inputs.fake[:, None]
        count = pictures.shape[1]
        with torch.no_grad():
            targets = self.features(inputs.real)
        masks = shared_channels(inputs.semantics.one_hot(), self.channels)
        by_class = []  # (N,P,K) for each map
        for fake, real in zip(self.features(pictures.flatten(0, 1)), targets, strict=True):
            apart = (fake.float().unflatten(0, (-1, count)) - real.float()[:, None]).abs().mean(2)  # (N,P,h,w)
            mask = F.interpolate(masks, apart.shape[2:], mode="area")
            by_class.append(torch.einsum("nphw,nkhw->npk", apart, mask) / mask[0, 0].numel())
        stacked = torch.stack(by_class)
        factors = self.factors(stacked.sum(3).mean((1, 2)))
        costs = torch.einsum("l,lnpk->npk", factors, stacked)
        best, mean = costs.amin(1).sum(1), costs.mean(1).sum(1)
        return (self.share * best + (1 - self.share) * mean).mean()
