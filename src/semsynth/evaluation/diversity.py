"""How far apart the samples of one label map are."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any, Protocol
from urllib.error import URLError

import torch
from torch import Tensor

from semsynth.evaluation.errors import EvaluationError
from semsynth.evaluation.protocol import LpipsNetwork
from semsynth.evaluation.sharing import all_sum


class Distance(Protocol):
    """A distance of images."""

    name: str

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""

    def to(self, device: Any) -> Any:
        """Move to a device."""


class Lpips:
    """Learned perceptual distance (arXiv:1801.03924) through torchmetrics.

    Args:
        network: alex, vgg or squeeze; torchvision downloads its weights.

    Raises:
        EvaluationError: the weights cannot be had.
    """

    name = "lpips"

    def __init__(self, network: LpipsNetwork = "alex") -> None:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torchvision's deprecations, caused in torchmetrics
                self.metric: Any = LearnedPerceptualImagePatchSimilarity(network)
        except (URLError, OSError, RuntimeError) as error:
            raise EvaluationError(f"the weights of LPIPS ({network}) cannot be downloaded ({error})") from error

    def to(self, device: Any) -> Lpips:
        """Move to a device."""
        self.metric.to(device)
        return self

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""
        each = [self.metric(a[None], b[None]) for a, b in zip(first, second, strict=True)]
        self.metric.reset()
        return torch.stack(each)


class JudgeDistance:
    """LPIPS' distance without learned weights, in a segmenter's inner features.

    Feature vectors are brought to length one at every place; the squared differences are summed over the channels and
    averaged over the places.

    Args:
        judge: A `semsynth.segmenters.judge.Judge`.
    """

    def __init__(self, judge: Any) -> None:
        self.judge = judge
        self.name: str = judge.name

    def to(self, device: Any) -> JudgeDistance:
        """Move to a device."""
        self.judge.to(device)
        return self

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""
        a, b = (self._unit(x) for x in (first, second))
        return (a - b).square().sum(1).mean((1, 2))

    def _unit(self, images: Tensor) -> Tensor:
        preprocessing = self.judge.preprocessing
        with torch.autocast(images.device.type, enabled=False):
            features: Tensor = self.judge.network.features(preprocessing(images, preprocessing.scales[0])).float()
        return features / features.norm(dim=1, keepdim=True).clamp_min(1e-10)


class Diversity:
    """Mean distance of all pairs of samples of a label map, averaged over the label maps.

    Args:
        distance: Between images.
    """

    def __init__(self, distance: Distance) -> None:
        self.distance = distance
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self.sums = torch.zeros(2, dtype=torch.float64)  # of the distances, and the number of pairs

    def update(self, samples: Tensor) -> None:
        """Add the samples (S,N,3,H,W) of N label maps.

        Raises:
            ValueError: fewer than two samples.
        """
        if len(samples) < 2:
            raise ValueError(f"diversity needs two or more samples of a label map, got {len(samples)}")
        for a, b in combinations(samples, 2):
            distances = self.distance(a, b).double().cpu()
            self.sums += torch.tensor([float(distances.sum()), len(distances)], dtype=torch.float64)

    def compute(self) -> float:
        """The mean over all processes; NaN without samples."""
        total, count = all_sum(self.sums).tolist()
        return total / count if count else float("nan")
