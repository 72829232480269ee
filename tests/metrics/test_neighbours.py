"""Precision, recall, density and coverage against their definitions, pair by pair."""

import pytest
import torch

from semsynth.metrics import neighbours
from semsynth.metrics.neighbours import neighbourhoods


def naive(real, fake, k):
    """Every distance by itself."""
    def distance(a, b):
        return float((a.double() - b.double()).square().sum().sqrt())

    def radius(index, vectors):
        return sorted(distance(vectors[index], other) for i, other in enumerate(vectors) if i != index)[k - 1]

    around_real = [radius(i, real) for i in range(len(real))]
    around_fake = [radius(i, fake) for i in range(len(fake))]
    inside = [[distance(f, r) < around_real[i] for i, r in enumerate(real)] for f in fake]
    return {
        "precision": sum(any(row) for row in inside) / len(fake),
        "recall": sum(any(distance(r, f) < around_fake[j] for j, f in enumerate(fake)) for r in real) / len(real),
        "density": sum(sum(row) for row in inside) / k / len(fake),
        "coverage": sum(any(row[i] for row in inside) for i in range(len(real))) / len(real),
    }


@pytest.mark.parametrize(("real", "fake", "width", "shift", "k"), [
    (30, 20, 4, 0.3, 5), (20, 33, 2, 0.8, 3), (12, 12, 40, 0.1, 1), (6, 6, 3, 0.0, 5), (25, 25, 3, 9.0, 5)])
def test_against_all_pairs(monkeypatch, real, fake, width, shift, k):
    monkeypatch.setattr(neighbours, "ROWS", 7)
    a, b = torch.randn(real, width), torch.randn(fake, width) * 0.8 + shift
    assert vars(neighbourhoods(a, b, k)) == pytest.approx(naive(a, b, k), abs=1e-12)


def test_the_same_set_and_one_far_away():
    x = torch.randn(40, 6)
    assert vars(neighbourhoods(x, x, 5)) == pytest.approx({"precision": 1, "recall": 1, "density": 1, "coverage": 1})
    far = neighbourhoods(x, x + 100, 5)
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)


def test_an_outlier_raises_precision_but_not_density_as_much():
    """What density was made for: one real vector far off has a ball that takes in every fake (arXiv:2002.09797)."""
    real = torch.cat([torch.randn(50, 3), torch.full((1, 3), 50.0)])
    found = neighbourhoods(real, torch.randn(50, 3) + 8, 5)
    assert found.precision > 0.9
    assert found.density < 0.3


@pytest.mark.parametrize(("real", "fake", "k", "message"), [
    (6, 5, 5, r"5 nearest neighbours need 6 or more images on each side, got 6 real and 5 generated ones"),
    (9, 9, 0, "neighbours=0 must be >= 1")])
def test_too_few_images(real, fake, k, message):
    with pytest.raises(ValueError, match=message):
        neighbourhoods(torch.randn(real, 2), torch.randn(fake, 2), k)
