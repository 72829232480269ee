"""Networks whose features Frechet and kernel distances compare."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.backbones import dinov2, efficientnet_lite0
from semsynth.errors import BackboneError, EvaluationError, TensorFileError
from semsynth.metrics.pixels import eight_bits, resized
from semsynth.metrics.protocol import InceptionResize
from semsynth.pretrained.files import DINOV2, INCEPTION
from semsynth.pretrained.folder import find, obtain
from semsynth.segmenters.judge import Judge
from semsynth.weights.tensor_files import read_tensors, refuse_not_finite, sha256_of

INCEPTION_FEATURES = 2048
INCEPTION_SIDE = 299
AT_ONCE = 16  # images: more are no faster, and their maps are large
SIDE = 224  # at which EfficientNet-Lite0 was trained, and DINOv2's features are compared


class Features(Protocol):
    """What a distance needs: features and a description that keys the statistics of real images.

    Attributes:
        name: Names the scores.
        general: Whether the features tell any pictures apart, so that kernel distances and nearest neighbours are
            taken besides the Frechet distance.
    """

    name: str
    general: bool

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,F) float32."""

    def description(self) -> dict[str, object]:
        """Everything that moves the features, in plain values."""

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""


FEATURES = ("inception", efficientnet_lite0.NAME, "dinov2", "segmenter", "pixels")


@dataclass(frozen=True)
class FeatureChoice:
    """Which networks' features are compared, and where the files of their weights lie.

    >>> [choice.allows("inception") for choice in (FeatureChoice(), FeatureChoice("pixels"))]
    [True, False]

    Args:
        names: One or some of `FEATURES`, which must be had. None: `usual`, and those whose file is given.
        inception: File of Inception's weights; None: the one in the folder of weights, or a download.
        dinov2: File of DINOv2's weights; None: the one in the folder of weights.
        usual: One or some of `FEATURES`, as the data set's yaml names them: each is taken where its weights are there,
            EfficientNet-Lite0 only where Inception is not.

    Raises:
        EvaluationError: an unknown name.
    """

    names: Sequence[str] | str | None = None
    inception: str | Path | None = None
    dinov2: str | Path | None = None
    usual: Sequence[str] = FEATURES[:-1]

    def __post_init__(self) -> None:
        if isinstance(self.names, str):
            object.__setattr__(self, "names", [self.names])
        unknown = [name for name in (*(self.names or ()), *self.usual) if name not in FEATURES]
        if unknown:
            raise EvaluationError(f"features={unknown[0]}: there are {', '.join(FEATURES)}")

    def usually(self, names: Sequence[str] | None) -> FeatureChoice:
        """This choice on a data set that is scored in the features of `names`; None: it does not say."""
        return self if names is None else replace(self, usual=tuple(names))

    def allows(self, name: str) -> bool:
        """Whether these features are taken where they can be had."""
        return self.demands(name) or (self.names is None and name in self.usual)

    def demands(self, name: str) -> bool:
        """Whether these features must be had: they are named, or their file is."""
        if self.names is not None:
            return name in self.names
        return getattr(self, name, None) is not None

    def dinov2_file(self) -> str | Path | None:
        """The file of DINOv2's weights; None where it is not there and nobody asks for it.

        Raises:
            EvaluationError: its features must be had, and there is no file.
        """
        path = self.dinov2 or find(DINOV2)
        if path is None and self.demands("dinov2"):
            raise EvaluationError(f"features: dinov2 needs {DINOV2.name} in the folder of weights, or "
                                  f"dinov2.weights=FILE, one of {dinov2.SOURCE}")
        return path


class InceptionFeatures:
    """The 2048 pooled features of the Inception network that FID is defined by, through torchmetrics.

    Args:
        weights: File of its weights; None: the one in the folder of weights, or a download into torch's cache.
        resize: How images come to 299x299, see `Protocol.inception_resize`.

    Raises:
        MissingWeights: no weights are given, and none can be had.
        EvaluationError: torch-fidelity is not installed, or the weights do not fit; says what to do.
    """

    name = "inception"
    general = True

    def __init__(self, weights: str | Path | None = None, resize: InceptionResize = "pytorch_fid") -> None:
        self.resize = resize
        self.path = obtain(INCEPTION) if weights is None else Path(weights).expanduser()
        self._exact: Tensor | None = None
        self.network = self._load()
        try:
            refuse_not_finite(self.network.state_dict(), self.path)
        except TensorFileError as error:
            raise EvaluationError(str(error)) from None
        self.network.requires_grad_(False)
        self.sha256 = sha256_of(self.path)
        if resize == "pytorch_fid":
            # torchmetrics resizes rounded pixels in its own ways; the exact input takes their place at the first layer.
            first = self.network.get_submodule("Conv2d_1a_3x3")
            first.register_forward_pre_hook(lambda module, inputs: (self._exact,))

    def _load(self) -> nn.Module:
        from torchmetrics.image.fid import NoTrainInceptionV3

        if not self.path.is_file():
            raise EvaluationError(f"inception.weights={self.path}: there is no such file")
        try:
            read_tensors(self.path)  # runs nothing in it, and says what is damaged
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                return NoTrainInceptionV3("inception-v3-compat", [str(INCEPTION_FEATURES)], str(self.path),
                                          antialias=self.resize == "torchmetrics")
        except ModuleNotFoundError as error:
            raise EvaluationError("the Inception network needs torch-fidelity: pip install torch-fidelity") from error
        except Exception as error:  # whatever a broken or foreign file makes torch.load and load_state_dict raise
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise EvaluationError(f"{self.path}: no weights of the Inception network of FID "
                                  f"(pt_inception-2015-12-05): {first}") from error

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,2048) float32."""
        with torch.autocast(images.device.type, enabled=False):
            images = images.float()
            if self.resize == "pytorch_fid":
                self._exact = F.interpolate(images, (INCEPTION_SIDE, INCEPTION_SIDE), mode="bilinear",
                                            align_corners=False)
                shape = (len(images), 3, INCEPTION_SIDE, INCEPTION_SIDE)
                pixels = torch.zeros(shape, dtype=torch.uint8, device=images.device)
            else:
                pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            try:
                features: Tensor = self.network(pixels)
            finally:
                self._exact = None
        return features.float()

    def description(self) -> dict[str, object]:
        """Everything that moves the features."""
        return {"name": self.name, "sha256": self.sha256, "weights": self.path.name,
                "features": INCEPTION_FEATURES, "resize": self.resize}


class EfficientNetFeatures:
    """The 1280 pooled features of EfficientNet-Lite0, trained on ImageNet, of images at 224x224.

    They stand where FID's stand, before the classifier of ImageNet, but are another network's: never called FID.

    Raises:
        EvaluationError: its weights are not installed; says how they are.
    """

    name = efficientnet_lite0.NAME
    general = True

    def __init__(self) -> None:
        try:
            self.network = efficientnet_lite0.load_efficientnet_lite0().to(memory_format=torch.channels_last)
        except BackboneError as error:
            raise EvaluationError(str(error)) from None

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,1280) float32."""
        with torch.autocast(images.device.type, enabled=False):
            parts = [resized(part.float(), (SIDE, SIDE)).contiguous(memory_format=torch.channels_last)
                     for part in images.split(AT_ONCE)]
            return torch.cat([self.network.features(part) for part in parts])

    def description(self) -> dict[str, object]:
        """Everything that moves the features."""
        return {**efficientnet_lite0.description(), "features": efficientnet_lite0.FEATURES, "side": SIDE}


class DINOv2Features:
    """The class token of a DINOv2 network, of images at 224x224: the features of FD_DINOv2 (arXiv:2306.04675).

    Args:
        weights: File that DINOv2's authors offer; ViT-L/14 is the published choice.

    Raises:
        EvaluationError: there is no such file, or it is none of these.
    """

    general = True

    def __init__(self, weights: str | Path) -> None:
        self.path = Path(weights).expanduser()
        try:
            self.network = dinov2.load_dinov2(self.path)
        except BackboneError as error:
            raise EvaluationError(f"dinov2.weights={error}") from None
        if SIDE % self.network.patch:
            raise EvaluationError(f"dinov2.weights={self.path}: patches of {self.network.patch} pixels do not divide "
                                  f"images of {SIDE}x{SIDE}")
        self.name: str = self.network.name
        self.sha256 = sha256_of(self.path)

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,F) float32."""
        with torch.autocast(images.device.type, enabled=False):
            x = images.float()
            if tuple(x.shape[-2:]) != (SIDE, SIDE):  # published: PIL's bicubic, which rounds to eight bits
                x = eight_bits(F.interpolate(x, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True))
            features: Tensor = self.network(x)
        return features

    def description(self) -> dict[str, object]:
        """Everything that moves the features."""
        return {"name": self.name, "sha256": self.sha256, "weights": self.path.name, "side": SIDE}


class JudgeFeatures:
    """The spatially averaged features of a segmenter.

    >>> from semsynth.metrics.structure import part_finder  # a segmenter that comes with the package
    >>> features = JudgeFeatures(part_finder())
    >>> len(features(torch.zeros(2, 3, 16, 16)))
    2

    Args:
        judge: The segmenter.
    """

    general = False

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.name: str = judge.name

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.judge.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,F) float32."""
        return self.judge.features(images)

    def description(self) -> dict[str, object]:
        """Everything that moves the features."""
        return dict(self.judge.description())
