"""How far apart the samples of one label map are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from itertools import combinations
from typing import Any, Protocol

import torch
from torch import Tensor

from semsynth.errors import EvaluationError, TensorFileError
from semsynth.metrics.distributed import all_sum
from semsynth.metrics.protocol import LpipsNetwork
from semsynth.pretrained.files import LPIPS
from semsynth.pretrained.folder import obtain
from semsynth.weights.tensor_files import read_tensors

SLICE = re.compile(r"^slices?\.?\d+\.")


class Distance(Protocol):
    """A distance of images."""

    name: str

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""

    def to(self, device: Any) -> Any:
        """Move to a device."""


class Lpips:
    """Learned perceptual distance (arXiv:1801.03924) through torchmetrics, which brings its heads.

    Args:
        network: alex, vgg or squeeze; torchvision's weights, from the folder of weights or a download.

    Raises:
        MissingWeights: the weights cannot be had.
        EvaluationError: they are another network's.
    """

    name = "lpips"

    def __init__(self, network: LpipsNetwork = "alex") -> None:
        from torchmetrics.functional.image.lpips import _NoTrainLpips  # the public class always downloads

        path = obtain(LPIPS[network])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision's deprecations, caused in torchmetrics
            self.network: Any = _NoTrainLpips(net=network, pnet_rand=True)
        try:
            _fill(self.network.net, read_tensors(path))
        except (TensorFileError, KeyError, RuntimeError) as error:
            raise EvaluationError(f"{path}: no weights of LPIPS' {network} as torchvision publishes them ({error})") \
                from None

    def to(self, device: Any) -> Lpips:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""
        distances: Tensor = self.network(first, second).flatten()
        return distances


def _fill(slices: Any, state: Mapping[str, Tensor]) -> None:
    """Load torchvision's `features.N.*` into torchmetrics' slices of these layers, `sliceK.N.*` or `slices.K.N.*`."""
    slices.load_state_dict({key: state[SLICE.sub("features.", key)] for key in slices.state_dict()})


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
