"""Two settings compared over the seeds that both were trained with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import t as student

HEAD = ("difference (95 % interval)", "p, paired t", "p, sign flips")  # of Paired.cells


@dataclass(frozen=True)
class Paired:
    """Differences of a score between two settings, seed by seed.

    Attributes:
        differences: Second setting less first, in the order of the seeds.
        mean: Their mean.
        low: Lower end of its 95 % confidence interval (Student's t).
        high: Upper end.
        t_test: Two-sided p of the paired t-test of a mean of zero.
        sign_flip: Two-sided p of the exact test that turns signs: of all 2^n choices the share whose mean lies as far
            from zero. It cannot be below `least_sign_flip`.
    """

    differences: tuple[float, ...]
    mean: float
    low: float
    high: float
    t_test: float
    sign_flip: float

    def cells(self, factor: float = 1.0) -> list[str]:
        """As shown below `HEAD`, in `factor` times the unit."""
        return [f"{factor * self.mean:+.2f} ({factor * self.low:+.2f} to {factor * self.high:+.2f})",
                f"{self.t_test:.3f}", f"{self.sign_flip:.3f}"]

    @property
    def decided(self) -> bool:
        """Whether zero lies outside of the interval."""
        return self.low > 0 or self.high < 0


def compare(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compare scores of two settings, one value for each seed, in the same order.

    Raises:
        ValueError: numbers of seeds that differ, or fewer than two.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"a paired comparison needs the same two or more seeds, got {len(first)} and {len(second)}")
    differences = tuple(b - a for a, b in zip(first, second, strict=True))
    mean, count = fmean(differences), len(differences)
    error = stdev(differences) / math.sqrt(count)
    reach = float(student.ppf(0.975, count - 1)) * error
    p = float(2 * student.sf(abs(mean) / error, count - 1)) if error else float(mean == 0)
    flips = [fmean(sign * d for sign, d in zip(signs, differences, strict=True))
             for signs in itertools.product((1, -1), repeat=count)]
    beyond = sum(abs(flip) >= abs(mean) * (1 - 1e-9) for flip in flips)
    return Paired(differences, mean, mean - reach, mean + reach, p, beyond / len(flips))


def least_sign_flip(seeds: int) -> float:
    """The least p that turning the signs of so many differences can give: all of one sign.

    >>> least_sign_flip(5)
    0.0625
    """
    return 2.0 / 2**seeds


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % confidence interval (Student's t); infinite for a single value."""
    if len(values) < 2:
        return fmean(values), math.inf
    return fmean(values), float(student.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))


def with_interval(values: Sequence[float]) -> str:
    """Mean ± half width, see `interval`."""
    mean, reach = interval(values)
    return f"{mean:.2f} ± {reach:.2f}"
