"""VGG-19 perceptual loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from semsynth.errors import TensorFileError, WeightsError
from semsynth.layers.convolution import for_convolutions
from semsynth.losses.frozen_features import FrozenFeatures
from semsynth.pretrained.files import VGG19
from semsynth.pretrained.folder import VARIABLE, MissingWeights, folder, obtain, tool
from semsynth.weights.loading import same_kind
from semsynth.weights.tensor_files import read_tensors

_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 in torchvision's `features`


def load_vgg_weights(weights: str) -> dict[str, Tensor]:
    """The state dict of torchvision's VGG-19: `imagenet` or a file's path.

    `imagenet` is torchvision's file in the folder of weights or in torch's cache, downloaded where it is in neither.

    Raises:
        WeightsError: no download and no such file, or the file holds something else.
    """
    way_out = (f"Put {VGG19.name} (torchvision's VGG19_Weights.IMAGENET1K_V1, {VGG19.url}) into the folder of weights "
               f"({folder()}; ${VARIABLE} names another); {tool()} lists all files")
    if weights == "imagenet":
        try:
            weights = str(obtain(VGG19))
        except MissingWeights as error:
            raise WeightsError(f"The perceptual loss needs VGG-19's weights: {error}. {way_out}") from None
    if not Path(weights).is_file():
        raise WeightsError(f"weights: no file {weights}. {way_out}")
    try:
        return {k: v for k, v in read_tensors(Path(weights)).items() if k.startswith("features.")}
    except TensorFileError as error:
        raise WeightsError(f"{error}. {way_out}") from None


class _Taps(nn.Sequential):
    """Layers that answer with the maps behind those that are looked at."""

    def __init__(self, layers: nn.Sequential, taps: Sequence[int]) -> None:
        super().__init__(*layers)
        self.taps = frozenset(taps)

    def forward(self, x: Tensor) -> list[Tensor]:  # type: ignore[override]
        maps = []
        for index, layer in enumerate(self):
            x = layer(x)
            if index in self.taps:
                maps.append(x)
        return maps


def vgg19_maps(weights: str, taps: Sequence[int]) -> nn.Sequential:
    """VGG-19 up to the last of `taps`, indices of torchvision's `features`: image -> the maps behind them.

    Raises:
        WeightsError: the weights cannot be had or do not fit, see `load_vgg_weights`.
    """
    features = make_layers(cfgs["E"])[: max(taps) + 1]
    state = {k.removeprefix("features."): v for k, v in load_vgg_weights(weights).items()}
    wanted = features.state_dict()
    wrong = [k for k, v in wanted.items() if k not in state or not same_kind(v, state[k])]
    if wrong:
        raise WeightsError(f"{weights} is no VGG-19 in torchvision's layout: missing or misshapen features."
                           f"{wrong[0]} and {len(wrong) - 1} more. Give the path of {VGG19.name} as the term's "
                           "weights, or take a loss whose name ends with _no_vgg")
    features.load_state_dict({k: state[k] for k in wanted})
    for layer in features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # the taps must survive the next layer
    return _Taps(features, taps)


class Perceptual(FrozenFeatures):
    """VGG-19 perceptual loss (arXiv:1603.08155, weights of arXiv:1711.11585): weighted L1 of five feature maps.

    Images in [-1, 1] go in as they are, as published; `normalize` maps them to ImageNet statistics instead.

    Args:
        weights: `imagenet` for torchvision's weights (see `load_vgg_weights`), or the path of a state dict in
            torchvision's layout.
        normalize: Whether to map [-1, 1] to ImageNet's mean and deviation first.
        layer_weights: Weights of relu1_1 ... relu5_1.
        weight: The term's weight.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, weights: str = "imagenet", *, normalize: bool = False,
                 layer_weights: Sequence[float] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0), weight: float = 10.0) -> None:
        super().__init__(vgg19_maps(weights, _TAPS), layer_weights, weight)
        self.normalize = normalize

    @classmethod
    def preflight(cls, weights: str = "imagenet", **_: object) -> None:
        """Fail before anything is built where the weights cannot be had (downloads them where they can)."""
        load_vgg_weights(weights)

    def _apply(self, fn: Any, recurse: bool = True) -> FrozenFeatures:
        super()._apply(fn, recurse)
        if next(self.network.parameters()).is_cuda:
            self.network.to(memory_format=torch.channels_last)
        return self

    def prepared(self, image: Tensor) -> Tensor:
        """As it is, or in ImageNet's statistics; in the memory format in which convolutions are fastest."""
        if self.normalize:
            mean = image.new_tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
            deviation = image.new_tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
            image = ((image + 1) / 2 - mean) / deviation
        return for_convolutions(image)
