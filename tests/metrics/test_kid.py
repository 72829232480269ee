"""Held against a double loop over all pairs."""

import pytest
import torch

from semsynth.metrics.kid import kernel_distance, polynomial_mmd


def by_loops(x, y):
    def kernel(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize(("n", "m", "size"), [(9, 7, 5), (2, 2, 1), (6, 11, 30)])
def test_mmd_is_the_double_loop(n, m, size):
    x, y = torch.randn(n, size, dtype=torch.float64), torch.randn(m, size, dtype=torch.float64) + 0.5
    assert polynomial_mmd(x, y) == pytest.approx(by_loops(x, y), rel=1e-10)


def test_constant_features():
    x = torch.full((5, 3), 2.0)
    assert polynomial_mmd(x, x) == pytest.approx(0, abs=1e-9)
    assert polynomial_mmd(x, torch.zeros(4, 3)) == pytest.approx(125 + 1 - 2)


def test_equal_distributions_are_near_zero_on_both_sides():
    values = [polynomial_mmd(torch.randn(40, 4), torch.randn(40, 4)) for _ in range(60)]
    assert min(values) < 0 < max(values)
    assert abs(sum(values) / 60) < 0.05


def test_one_subset_of_everything_is_the_mmd():
    x, y = torch.randn(12, 4), torch.randn(12, 4) + 1
    found = kernel_distance(x, y, subsets=3, subset_size=1000)
    assert found.mean == pytest.approx(by_loops(x.double(), y.double()), rel=1e-6)
    assert found.deviation == pytest.approx(0, abs=1e-9)


def test_subsets_follow_the_seed():
    x, y = torch.randn(50, 4), torch.randn(40, 4) + 1
    first, again, other = (kernel_distance(x, y, subsets=5, subset_size=10, seed=s).mean for s in (0, 0, 1))
    assert first == again != other
    whole = polynomial_mmd(x, y)
    many = kernel_distance(x, y, subsets=400, subset_size=10)
    assert many.mean == pytest.approx(whole, abs=4 * many.deviation / 20)


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match="two or more images on each side, got 1 and 3"):
        polynomial_mmd(torch.zeros(1, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="different lengths: 2 and 3"):
        polynomial_mmd(torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(ValueError, match="subset_size=1"):
        kernel_distance(torch.zeros(4, 2), torch.zeros(4, 2), subset_size=1)
