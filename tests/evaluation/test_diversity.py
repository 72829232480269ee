import math
from itertools import combinations

import pytest
import torch
from torch.testing import assert_close

from semsynth.evaluation.diversity import Diversity, JudgeDistance, Lpips
from semsynth.evaluation.errors import EvaluationError


class Shift:
    """Distance of the mean values."""

    name = "shift"

    def __call__(self, first, second):
        return (first.mean((1, 2, 3)) - second.mean((1, 2, 3))).abs()

    def to(self, device):
        return self


def test_diversity_is_the_mean_over_pairs():
    samples = torch.randn(4, 5, 3, 2, 2)
    diversity = Diversity(Shift())
    diversity.update(samples[:, :2])
    diversity.update(samples[:, 2:])
    means = samples.mean((2, 3, 4))
    expected = torch.stack([(means[a] - means[b]).abs() for a, b in combinations(range(4), 2)]).mean()
    assert diversity.compute() == pytest.approx(float(expected))
    diversity.reset()
    assert math.isnan(diversity.compute())
    with pytest.raises(ValueError, match="two or more samples of a label map, got 1"):
        diversity.update(samples[:1])


def test_a_judges_distance(small):
    distance = JudgeDistance(small.judge())
    a, b = torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 3, 16, 16) * 2 - 1
    assert_close(distance(a, a), torch.zeros(2))
    assert_close(distance(a, b), distance(b, a))
    assert (distance(a, b) > 0).all()
    network = distance.judge.network
    x, y = (network.features(distance.judge.preprocessing(image)) for image in (a, b))
    cosine = torch.cosine_similarity(x, y, dim=1)
    assert_close(distance(a, b), (2 - 2 * cosine).mean((1, 2)), rtol=1e-4, atol=1e-5)


def test_lpips_that_cannot_be_had_says_why(monkeypatch):
    import torchmetrics.image.lpip as module

    def fails(*args, **kwargs):
        raise OSError("no route")

    monkeypatch.setattr(module, "LearnedPerceptualImagePatchSimilarity", fails)
    with pytest.raises(EvaluationError, match=r"LPIPS \(alex\) cannot be downloaded \(no route\)"):
        Lpips("alex")


def test_lpips_of_torchmetrics(monkeypatch):
    """With a backbone of random weights, since the trained ones are downloaded."""
    import torchvision

    backbone = torchvision.models.alexnet(weights=None)
    monkeypatch.setattr(torchvision.models, "alexnet", lambda **k: backbone)
    distance = Lpips("alex")
    a, b = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 3, 64, 64) * 2 - 1
    each = distance(a, b)
    assert each.shape == (2,)
    assert_close(distance(a[1:], b[1:]), each[1:])
    assert_close(distance(a, a), torch.zeros(2))
