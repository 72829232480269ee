"""Held against scipy's matrix square root in float64."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch.testing import assert_close

from semsynth.metrics.frechet import Moments, frechet_distance


def by_scipy(a, b, offset=0.0):
    """The textbook formula, with an offset on the diagonals where the product is singular."""
    first, second = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) + offset * np.eye(x.shape[1]) for x in (a, b))
    root = scipy.linalg.sqrtm(first @ second)
    difference = a.mean(0) - b.mean(0)
    return difference @ difference + np.trace(first + second - 2 * np.real(root))


def moments(x, batch=7):
    found = Moments(x.shape[1])
    for start in range(0, len(x), batch):
        found.update(torch.from_numpy(x[start:start + batch]))
    return found


@pytest.mark.parametrize(("n", "m", "size"), [(200, 150, 12), (64, 64, 1), (500, 300, 40)])
def test_distance_is_scipys_on_random_sets(n, m, size):
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n, size)) @ rng.normal(size=(size, size))
    b = rng.normal(size=(m, size)) * rng.uniform(0.1, 3, size) + 2
    assert moments(a).distance(moments(b)) == pytest.approx(by_scipy(a, b), rel=1e-8)


def test_fewer_samples_than_dimensions():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 30)), rng.normal(size=(8, 30)) + 1
    # the root of an eigenvalue moves by at most the root of the offset
    assert moments(a).distance(moments(b)) == pytest.approx(by_scipy(a, b, 1e-12), abs=1e-4)


def test_constant_features():
    a, b = np.full((10, 4), 2.0), np.full((6, 4), 5.0)
    assert moments(a).distance(moments(b)) == 36
    assert moments(a).distance(moments(a)) == 0
    mixed = np.random.default_rng(0).normal(size=(50, 4))
    mixed[:, 1] = 3
    other = mixed + np.eye(4)[0]
    assert moments(mixed).distance(moments(other)) == pytest.approx(1, abs=1e-6)


def test_known_gaussians():
    """Diagonal covariances: the squared differences of means and of deviations."""
    distance = frechet_distance(np.zeros(2), np.diag([1.0, 4.0]), np.array([3.0, 0.0]), np.diag([9.0, 4.0]))
    assert distance == pytest.approx(9 + 4)


def test_equal_sets_have_no_distance_though_features_are_large():
    x = np.random.default_rng(1).normal(size=(300, 20)) + 1e4
    assert moments(x).distance(moments(x, batch=300)) < 1e-6


def test_streaming_is_batch():
    x = np.random.default_rng(2).normal(size=(101, 6)) * 3 + 100
    streamed = moments(x, batch=4)
    assert_close(streamed.covariance, np.cov(x, rowvar=False), rtol=1e-12, atol=1e-12)
    assert_close(streamed.mean, x.mean(0), rtol=1e-13, atol=0)
    halves = moments(x[:30])
    halves.merge(moments(x[30:]))
    empty = Moments(6)
    empty.merge(halves)
    assert empty.count == 101
    assert_close(empty.covariance, streamed.covariance, rtol=1e-12, atol=1e-12)


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match="two or more images, got 1"):
        _ = moments(np.ones((1, 3))).covariance
    with pytest.raises(ValueError, match=r"\(N,3\), got \(2, 4\)"):
        Moments(3).update(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="covariance_b must have shape"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), np.eye(3))
    with pytest.raises(ValueError, match="mean_b holds values that are not finite"):
        frechet_distance(np.zeros(1), np.eye(1), np.array([np.nan]), np.eye(1))


def test_arrays_go_round():
    found = moments(np.random.default_rng(0).normal(size=(9, 3)))
    assert Moments.from_arrays(**found.arrays()).distance(found) == pytest.approx(0, abs=1e-12)
