"""Statistics of feature vectors: moments, and the vectors themselves as far as kernel distances need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from semsynth.interfaces import Progress
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.features import Features
from semsynth.metrics.frechet import Moments
from semsynth.metrics.real import RealImages
from semsynth.sharing import batches, from_first, mine, processes, shared

T = TypeVar("T")


def silent(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """No progress bar."""
    return items


class FeatureSet:
    """Moments of all vectors, and the vectors of the first positions.

    >>> features = FeatureSet(pool=2)
    >>> features.update(torch.tensor([[3.0], [2.0], [1.0]]), positions=torch.tensor([2, 1, 0]))
    >>> features.count, features.moments.mean.tolist(), features.vectors.tolist()
    (3, [2.0], [[1.0], [2.0]])

    Args:
        pool: Vectors with positions below this are kept; 0: none.
    """

    def __init__(self, pool: int = 0) -> None:
        self.pool = pool
        self.moments: Moments | None = None
        self._rows: list[Tensor] = []
        self._positions: list[Tensor] = []

    def update(self, features: Tensor, positions: Tensor) -> None:
        """Add vectors (N,F) of the samples at positions (N,) of the common order."""
        if self.moments is None:
            self.moments = Moments(features.shape[1])
        self.moments.update(features)
        kept = positions < self.pool
        if kept.any():
            self._rows.append(features.detach().cpu().float()[kept])
            self._positions.append(positions[kept])

    @property
    def count(self) -> int:
        """Vectors so far."""
        return 0 if self.moments is None else self.moments.count

    @property
    def vectors(self) -> Tensor:
        """The kept vectors (n,F) in the order of their positions."""
        return torch.cat(self._rows)[torch.cat(self._positions).argsort()] if self._rows else torch.zeros(0, 0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `from_arrays` takes."""
        moments = {} if self.moments is None else self.moments.arrays()
        return {**moments, "vectors": self.vectors.numpy(), "pool": np.array(self.pool)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> FeatureSet:
        """The set that `arrays` described."""
        found = cls(int(arrays["pool"]))
        found.moments = Moments.from_arrays(arrays["count"], arrays["mean"], arrays["scatter"])
        vectors = torch.from_numpy(arrays["vectors"])
        found._rows, found._positions = [vectors], [torch.arange(len(vectors))]
        return found


def in_parts(network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """`network(images)`, in halves as often as the memory of the device asks for it."""
    try:
        return network(images)
    except torch.OutOfMemoryError:
        if len(images) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(images) // 2
    return torch.cat([in_parts(network, images[:half]), in_parts(network, images[half:])])


def real_statistics(images: RealImages, features: Features, identity: Mapping[str, object], *, pool: int,
                    cache: StatisticsCache, batch: int = 16, workers: int = 0, device: torch.device | str = "cpu",
                    progress: Progress = silent, title: str = "real images") -> FeatureSet:
    """Features of all `images`, from the cache where they are there; shared between the processes.

    Args:
        images: One size, unless `batch` is 1.
        features: The network.
        identity: What the images are, in plain values.
        pool: Vectors kept for kernel distances.
        cache: Where the first process looks and writes.
        batch: Images at a time.
        workers: Processes that load images.
        device: Where the network runs.
        progress: Wraps the loop over the batches.
        title: Names the images in `progress`.
    """
    key = {"features": features.description(), "images": identity, "pool": pool}
    found = from_first(lambda: cache.load(key), f"cache of {title}")
    if found is not None:
        return FeatureSet.from_arrays(found)
    features.to(device)
    pieces = batches(len(images), batch)
    loader: DataLoader = DataLoader(images, batch_sampler=mine(pieces), num_workers=workers)
    vectors = shared(loader, lambda pictures: in_parts(features, pictures.to(device)).cpu(), len(pieces), title)
    seen = FeatureSet(pool)
    for piece, of_piece in zip(pieces, progress(vectors, title, len(pieces)), strict=True):
        seen.update(of_piece, torch.tensor(piece))
    if processes()[0] == 0:
        cache.save(key, seen.arrays())
    return seen
