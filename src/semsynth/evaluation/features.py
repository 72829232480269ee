"""Networks whose features Frechet and kernel distances compare."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any, Protocol
from urllib.error import URLError

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.evaluation.errors import EvaluationError
from semsynth.evaluation.protocol import InceptionResize
from semsynth.tensor_files import TensorFileError, refuse_not_finite

INCEPTION_FEATURES = 2048
INCEPTION_SIDE = 299


class Features(Protocol):
    """What a distance needs: features and a description that keys the statistics of real images."""

    name: str

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,F) float32."""

    def description(self) -> dict[str, Any]:
        """Everything that moves the features, in plain values."""

    def to(self, device: Any) -> Any:
        """Move to a device."""


class InceptionFeatures:
    """The 2048 pooled features of the Inception network that FID is defined by, through torchmetrics.

    Args:
        weights: File of its weights, or None to let torchmetrics download them (once, into torch's hub folder).
        resize: How images come to 299x299, see `Protocol.inception_resize`.

    Raises:
        EvaluationError: torch-fidelity is not installed, or the weights cannot be had or do not fit; says what to do.
    """

    name = "inception"

    def __init__(self, weights: str | Path | None = None, resize: InceptionResize = "pytorch_fid") -> None:
        self.resize = resize
        self.path = None if weights is None else Path(weights).expanduser()
        self._exact: Tensor | None = None
        self.network = self._load()
        if self.path is not None:
            try:
                refuse_not_finite(self.network.state_dict(), self.path)
            except TensorFileError as error:
                raise EvaluationError(str(error)) from None
        self.network.requires_grad_(False)
        if self.path is None:
            self.path = _downloaded()
        self.sha256 = _sha256(self.path)
        if resize == "pytorch_fid":
            # torchmetrics resizes rounded pixels in its own ways; the exact input takes their place at the first layer.
            self.network.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, inputs: (self._exact,))

    def _load(self) -> Any:
        from torchmetrics.image.fid import NoTrainInceptionV3

        if self.path is not None and not self.path.is_file():
            raise EvaluationError(f"inception.weights={self.path}: there is no such file")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                return NoTrainInceptionV3(
                    "inception-v3-compat", [str(INCEPTION_FEATURES)], None if self.path is None else str(self.path),
                    antialias=self.resize == "torchmetrics")
        except ModuleNotFoundError as error:
            raise EvaluationError("the Inception network needs torch-fidelity: pip install torch-fidelity") from error
        except URLError as error:
            raise EvaluationError(f"the weights of the Inception network cannot be downloaded ({error.reason}): give "
                                  "inception.weights=FILE") from error
        except Exception as error:  # whatever a broken or foreign file makes torch.load and load_state_dict raise
            if self.path is None:
                raise EvaluationError(f"the weights of the Inception network cannot be downloaded ({error})") from error
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise EvaluationError(f"{self.path}: no weights of the Inception network of FID "
                                  f"(pt_inception-2015-12-05): {first}") from error

    def to(self, device: Any) -> InceptionFeatures:
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

    def description(self) -> dict[str, Any]:
        """Everything that moves the features."""
        return {"name": self.name, "sha256": self.sha256, "weights": self.path.name if self.path else None,
                "features": INCEPTION_FEATURES, "resize": self.resize}


class JudgeFeatures:
    """The spatially averaged features of a segmenter.

    Args:
        judge: With `features(images) -> (N,F)` and `description()`.
    """

    def __init__(self, judge: Any) -> None:
        self.judge = judge
        self.name: str = judge.name

    def to(self, device: Any) -> JudgeFeatures:
        """Move to a device."""
        self.judge.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,F) float32."""
        features: Tensor = self.judge.features(images)
        return features

    def description(self) -> dict[str, Any]:
        """Everything that moves the features."""
        return dict(self.judge.description())


def _downloaded() -> Path | None:
    """Where torch's hub keeps the downloaded weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    path = Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]
    return path if path.is_file() else None


def _sha256(path: Path | None) -> str | None:
    if path is None:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
