"""Precision, recall, density and coverage: whether each image lies among the others' nearest neighbours."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 1024  # of the distances that are held at a time


@dataclass(frozen=True)
class Neighbourhoods:
    """How two sets of images lie among each other.

    >>> real, fake = torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([[0.5], [9.0]])
    >>> neighbourhoods(real, fake, k=1)
    Neighbourhoods(precision=0.5, recall=1.0, density=1.0, coverage=0.5)

    Attributes:
        precision: Share of the fakes within the ball of any real image (arXiv:1904.06991).
        recall: Share of the real images within the ball of any fake (arXiv:1904.06991).
        density: Balls of real images that a fake lies in, on average, over k (arXiv:2002.09797); may exceed 1.
        coverage: Share of the real images whose ball holds a fake (arXiv:2002.09797).
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: Tensor, fake: Tensor, k: int = 5) -> Neighbourhoods:
    """Compare feature vectors real (n,F) and fake (m,F), in float64.

    The ball of a vector reaches to its k-th nearest neighbour in its own set, whose distance does not lie within.

    Raises:
        ValueError: k below 1, a set with no more than k vectors, or vectors of different lengths.
    """
    if k < 1:
        raise ValueError(f"neighbours={k} must be >= 1")
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"{k} nearest neighbours need {k + 1} or more images on each side, got {len(real)} real and "
                         f"{len(fake)} generated ones")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"features of different lengths: {real.shape[1]} and {fake.shape[1]}")
    real, fake = real.double(), fake.double()
    around_real, around_fake = (_by_rows(x, x, lambda d: d.kthvalue(k + 1, 1).values) for x in (real, fake))
    within_real = _by_rows(fake, real, lambda d: (d < around_real).sum(1))  # balls of real images around each fake
    within_fake = _by_rows(real, fake, lambda d: (d < around_fake).any(1))
    nearest_fake = _by_rows(real, fake, lambda d: d.amin(1))
    return Neighbourhoods(
        precision=float((within_real > 0).double().mean()), recall=float(within_fake.double().mean()),
        density=float(within_real.double().mean() / k), coverage=float((nearest_fake < around_real).double().mean()))


def _by_rows(x: Tensor, y: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """`reduce` of the squared distances (rows,m) of x (n,F) to y (m,F), some rows at a time -> (n,)."""
    squares = y.square().sum(1)
    return torch.cat([reduce((part.square().sum(1)[:, None] + squares - 2 * part @ y.T).clamp_min(0))
                      for part in x.split(ROWS)])
