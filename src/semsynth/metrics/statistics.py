"""Statistics of feature vectors: moments, and the vectors themselves as far as kernel distances need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.distributed import all_rows, from_first, processes
from semsynth.metrics.features import Features
from semsynth.metrics.frechet import Moments

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]  # what is iterated, a title, its length


class FeatureSet:
    """Moments of all vectors, and the vectors of the first positions.

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

    def shared(self, width: int) -> FeatureSet:
        """The set of all processes together, of vectors of length `width`; the same on each."""
        together = FeatureSet(self.pool)
        together.moments = (self.moments or Moments(width)).shared()
        rows = torch.cat(self._rows) if self._rows else torch.zeros(0, width)
        positions = torch.cat(self._positions) if self._positions else torch.zeros(0, dtype=torch.int64)
        rows, positions = all_rows(rows, positions)
        together._rows, together._positions = [rows], [positions]
        return together

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


def real_statistics(images: Dataset, features: Features, identity: dict[str, Any], *, pool: int, cache: StatisticsCache,
                    batch: int = 16, workers: int = 0, device: torch.device | str = "cpu",
                    progress: Progress = lambda items, title, total: items, title: str = "real images") -> FeatureSet:
    """Features of all `images`, from the cache where they are there; shared between the processes.

    Args:
        images: Map-style, position -> (3,H,W) in [-1,1]. One size, unless `batch` is 1.
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
    rank, world = processes()
    found = from_first(cache.load(key) if rank == 0 else None)
    if found is not None:
        return FeatureSet.from_arrays(found)
    features.to(device)
    mine = range(rank, len(images), world)  # type: ignore[arg-type]
    loader: DataLoader = DataLoader(images, batch, sampler=list(mine), num_workers=workers)
    seen = FeatureSet(pool)
    width = 0
    done = 0
    for pictures in progress(loader, title, len(loader)):
        vectors = in_parts(features, pictures.to(device))
        width = vectors.shape[1]
        seen.update(vectors, torch.tensor(mine[done:done + len(pictures)]))
        done += len(pictures)
    width = int(from_first(width))  # a rank may have no image, the first one has
    together = seen.shared(width)
    if rank == 0:
        cache.save(key, together.arrays())
    return together
