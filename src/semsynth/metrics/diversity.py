"""How far apart the samples of one label map are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.errors import EvaluationError, TensorFileError
from semsynth.metrics.protocol import LpipsNetwork
from semsynth.pretrained.files import LPIPS
from semsynth.pretrained.folder import obtain
from semsynth.segmenters.judge import Judge
from semsynth.weights.loading import load_into
from semsynth.weights.tensor_files import read_tensors

SLICE = re.compile(r"^slices?\.?\d+\.")


class Distance(Protocol):
    """A distance of images."""

    name: str

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""

    def by_place(self, first: Tensor, second: Tensor) -> Tensor:
        """The same before the mean over places: (N,H,W), at the images' size."""

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""


class Lpips:
    """Learned perceptual distance (arXiv:1801.03924) through torchmetrics, which brings its heads.

    Args:
        network: `alex`, `vgg` or `squeeze`; torchvision's weights, from the folder of weights or a download.

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
            self.network = _NoTrainLpips(net=network, pnet_rand=True)
        try:
            _fill(self.network.net, read_tensors(path), path)
        except (TensorFileError, KeyError) as error:
            raise EvaluationError(f"{path}: no weights of LPIPS' {network} as torchvision publishes them ({error})") \
                from None

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""
        distances: Tensor = self.network(first, second).flatten()
        return distances

    @torch.no_grad()
    def by_place(self, first: Tensor, second: Tensor) -> Tensor:
        """(N,H,W): the layers' maps, each brought to the images' size (bilinear)."""
        self.network.spatial = True
        try:
            maps: Tensor = self.network(first, second)[:, 0]
        finally:
            self.network.spatial = False
        return maps


def _fill(slices: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Load torchvision's `features.N.*` into torchmetrics' slices of these layers, `sliceK.N.*` or `slices.K.N.*`."""
    load_into(slices, {key: state[SLICE.sub("features.", key)] for key in slices.state_dict()}, path)


class JudgeDistance:
    """LPIPS' distance without learned weights, in a segmenter's inner features.

    Feature vectors are brought to length one at every place; the squared differences are summed over the channels and
    averaged over the places.

    >>> from semsynth.metrics.structure import part_finder  # a segmenter that comes with the package
    >>> distance = JudgeDistance(part_finder())
    >>> images = torch.rand(2, 3, 16, 16) * 2 - 1
    >>> distance(images, images).tolist(), bool((distance(images, -images) > 0).all())
    ([0.0, 0.0], True)

    Args:
        judge: The segmenter.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.name: str = judge.name

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        self.judge.to(device)
        return self

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], twice -> (N,)."""
        return self._maps(first, second).mean((1, 2))

    @torch.no_grad()
    def by_place(self, first: Tensor, second: Tensor) -> Tensor:
        """(N,H,W), brought to the images' size (bilinear)."""
        maps = self._maps(first, second)[:, None]
        return F.interpolate(maps, first.shape[-2:], mode="bilinear", align_corners=False)[:, 0]

    def _maps(self, first: Tensor, second: Tensor) -> Tensor:
        a, b = (self._unit(x) for x in (first, second))
        return (a - b).square().sum(1)

    def _unit(self, images: Tensor) -> Tensor:
        features = self.judge.feature_maps(images)
        return features / features.norm(dim=1, keepdim=True).clamp_min(1e-10)


class Diversity:
    """Mean distance of all pairs of samples of a label map, averaged over the label maps.

    >>> from semsynth.metrics.pixel_features import PixelDistance
    >>> black, white = -torch.ones(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    >>> diversity = Diversity(PixelDistance())
    >>> diversity.update(torch.stack([black, black, black, white]))  # four samples of a label map: 3 of 6 pairs differ
    >>> diversity.compute()
    0.5

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
        """Add the samples (S,N,3,H,W) of N label maps; see `distances`."""
        self.add(self.distances(samples))

    def distances(self, samples: Tensor) -> Tensor:
        """Samples (S,N,3,H,W) of N label maps -> (S(S-1)/2,N) float64 on the CPU, a row for each pair of samples.

        Raises:
            ValueError: fewer than two samples.
        """
        if len(samples) < 2:
            raise ValueError(f"diversity needs two or more samples of a label map, got {len(samples)}")
        return torch.stack([self.distance(a, b).double().cpu() for a, b in combinations(samples, 2)])

    def add(self, distances: Tensor) -> None:
        """Add what `distances` has found."""
        for row in distances:
            self.sums += torch.tensor([float(row.sum()), len(row)], dtype=torch.float64)

    def compute(self) -> float:
        """The mean; NaN without samples."""
        total, count = self.sums.tolist()
        return total / count if count else float("nan")
