"""The Frechet distance between two sets of feature vectors, from streaming moments in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

Array = npt.NDArray[np.float64]


def frechet_distance(mean_a: Array, covariance_a: Array, mean_b: Array, covariance_b: Array) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians (arXiv:1706.08500).

    |mean_a - mean_b|^2 + Tr(A) + Tr(B) - 2 Tr((A B)^(1/2)) with covariances A and B. The last trace is the sum of the
    singular values of A^(1/2) B^(1/2), whose roots come from eigenvalues clamped at zero: covariances of fewer samples
    than dimensions, or of constant features, need no offset on the diagonal, and nothing turns complex.

    Args:
        mean_a: (F,)
        covariance_a: (F,F), symmetric.
        mean_b: (F,)
        covariance_b: (F,F), symmetric.

    Raises:
        ValueError: shapes that do not fit, or values that are not finite.
    """
    size = len(mean_a)
    for name, array, shape in (("mean_a", mean_a, (size,)), ("mean_b", mean_b, (size,)),
                               ("covariance_a", covariance_a, (size, size)),
                               ("covariance_b", covariance_b, (size, size))):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape} as mean_a has, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are not finite")
    difference = mean_a - mean_b
    overlap = np.linalg.svd(_root(covariance_a) @ _root(covariance_b), compute_uv=False).sum()
    distance = difference @ difference + np.trace(covariance_a) + np.trace(covariance_b) - 2 * overlap
    return max(0.0, float(distance))  # rounding leaves about -1e-12 of equal sets


def _root(covariance: Array) -> Array:
    """The positive semi-definite square root of a symmetric matrix."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Array = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root


class Moments:
    """Count, mean and scatter of feature vectors, a batch at a time, in float64 on the CPU.

    The scatter is the sum of (x - mean)(x - mean)^T and batches merge by Chan's formula, so that a large common offset
    of the features costs no precision.

    >>> near, far = Moments.of(np.zeros(2), np.eye(2)), Moments.of(np.array([3.0, 4.0]), 4 * np.eye(2))
    >>> round(near.distance(far), 6)  # 3^2 + 4^2, and 1 + 4 - 2 * 2 in each dimension
    27.0
    >>> import torch
    >>> moments = Moments(features=1)
    >>> moments.update(torch.tensor([[1.0], [3.0]]))
    >>> moments.mean.tolist(), moments.covariance.tolist()
    ([2.0], [[2.0]])

    Args:
        features: Length F of a feature vector.
    """

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean: Array = np.zeros(features)
        self.scatter: Array = np.zeros((features, features))

    def update(self, features: Tensor) -> None:
        """Add a batch (N,F).

        Raises:
            ValueError: another length of the vectors.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(f"features must be (N,{len(self.mean)}), got {tuple(features.shape)}")
        if not len(features):
            return
        values: Array = features.detach().cpu().numpy().astype(np.float64)
        mean = values.mean(0)
        centred = values - mean
        self._add(len(values), mean, centred.T @ centred)

    def merge(self, other: Moments) -> None:
        """Add what another process or another part of the data saw."""
        self._add(other.count, other.mean, other.scatter)

    def _add(self, count: int, mean: Array, scatter: Array) -> None:
        total = self.count + count
        if not total:
            return
        difference = mean - self.mean
        self.mean = self.mean + difference * (count / total)
        self.scatter = self.scatter + scatter + np.outer(difference, difference) * (self.count * count / total)
        self.count = total

    @property
    def covariance(self) -> Array:
        """(F,F), divided by the count minus one.

        Raises:
            ValueError: fewer than two vectors.
        """
        if self.count < 2:
            raise ValueError(f"a covariance needs two or more images, got {self.count}")
        return self.scatter / (self.count - 1)

    def distance(self, other: Moments) -> float:
        """The Frechet distance to other moments.

        Raises:
            ValueError: fewer than two vectors on a side.
        """
        return frechet_distance(self.mean, self.covariance, other.mean, other.covariance)

    @classmethod
    def of(cls, mean: Array, covariance: Array) -> Moments:
        """Moments that somebody else took: mean (F,) and covariance (F,F), of vectors whose count is not told."""
        moments = cls(len(mean))
        moments.count, moments.mean, moments.scatter = 2, mean, covariance  # of two vectors they are the same
        return moments

    def arrays(self) -> dict[str, np.ndarray]:
        """What `from_arrays` takes."""
        return {"count": np.array(self.count), "mean": self.mean, "scatter": self.scatter}

    @classmethod
    def from_arrays(cls, count: Array, mean: Array, scatter: Array) -> Moments:
        """Moments from the arrays of `arrays`."""
        moments = cls(len(mean))
        moments.count, moments.mean, moments.scatter = int(count), np.asarray(mean), np.asarray(scatter)
        return moments
