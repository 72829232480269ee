"""The kernel inception distance: a polynomial-kernel maximum mean discrepancy (arXiv:1801.01401)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semsynth.chance import stream


@dataclass(frozen=True)
class KernelDistance:
    """Mean and standard deviation over the subsets.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> kernel_distance(x, x, subsets=2)  # unbiased: equal sets may be nearer than 0
    KernelDistance(mean=-3.5, deviation=0.0)
    """

    mean: float
    deviation: float


def polynomial_mmd(x: Tensor, y: Tensor, degree: int = 3) -> float:
    """Unbiased estimate of the squared MMD of x (n,F) and y (m,F) under k(a,b) = (a.b / F + 1)^degree, in float64.

    The estimate is unbiased, so that it may fall below zero for equal distributions.

    Raises:
        ValueError: fewer than two vectors, or vectors of different lengths.
    """
    if len(x) < 2 or len(y) < 2:
        raise ValueError(f"the kernel distance needs two or more images on each side, got {len(x)} and {len(y)}")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"features of different lengths: {x.shape[1]} and {y.shape[1]}")
    x, y = x.double(), y.double()
    n, m, size = len(x), len(y), x.shape[1]
    within_x, within_y, across = (((a @ b.T) / size + 1) ** degree for a, b in ((x, x), (y, y), (x, y)))
    first = (within_x.sum() - within_x.trace()) / (n * (n - 1))
    second = (within_y.sum() - within_y.trace()) / (m * (m - 1))
    return float(first + second - 2 * across.mean())


def kernel_distance(x: Tensor, y: Tensor, *, subsets: int = 100, subset_size: int = 1000,
                    degree: int = 3, seed: int = 0) -> KernelDistance:
    """KID of feature sets x (n,F) and y (m,F): the MMD averaged over random subsets of both.

    Args:
        x: Features of one set.
        y: Features of the other.
        subsets: Number of subsets.
        subset_size: Vectors in a subset, drawn without repetition; at most as many as the smaller set holds.
        degree: Of the polynomial kernel.
        seed: Of the subsets.

    Raises:
        ValueError: fewer than two vectors in a set, or a number below one.
    """
    if subsets < 1 or subset_size < 2 or degree < 1:
        raise ValueError(f"subsets={subsets} and degree={degree} must be >= 1, subset_size={subset_size} >= 2")
    size = min(subset_size, len(x), len(y))
    rng = stream("subsets of KID", seed)
    distances = []
    for _ in range(subsets):
        a, b = (torch.from_numpy(rng.choice(len(z), size, replace=False)) for z in (x, y))
        distances.append(polynomial_mmd(x[a], y[b], degree))
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))
