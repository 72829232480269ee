import math
from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch.testing import assert_close

from semsynth.errors import EvaluationError
from semsynth.metrics.diversity import Diversity, JudgeDistance, Lpips
from semsynth.pretrained.files import LPIPS
from semsynth.pretrained.folder import MissingWeights


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


def test_lpips_that_cannot_be_had_says_why():
    with pytest.raises(MissingWeights, match=r"alexnet-owt-7be5be79\.pth is missing, and cannot be downloaded"):
        Lpips("alex")


@pytest.mark.parametrize("name", ["alex", "squeeze"])
def test_lpips_of_torchmetrics(monkeypatch, tmp_path, name):
    """With a backbone of random weights, from the folder of weights, against torchmetrics' own with the same."""
    import torchvision
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    kind = {"alex": "alexnet", "squeeze": "squeezenet1_1"}[name]
    backbone = getattr(torchvision.models, kind)(weights=None)
    file = replace(LPIPS[name], digest="")
    torch.save(backbone.state_dict(), tmp_path / file.name)
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(LPIPS, name, file)
    distance = Lpips(name)
    monkeypatch.setattr(torchvision.models, kind, lambda **k: backbone)
    theirs = LearnedPerceptualImagePatchSimilarity(name)
    a, b = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 3, 64, 64) * 2 - 1
    assert_close(distance(a, b), torch.stack([theirs(x[None], y[None]) for x, y in zip(a, b, strict=True)]))
    assert_close(distance(a, a), torch.zeros(2))
    maps = distance.by_place(a, b)
    assert maps.shape == (2, 64, 64)
    assert_close(maps.mean((1, 2)), distance(a, b), rtol=0.1, atol=0)  # after each layer's map was brought to the size
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / file.name)
    with pytest.raises(EvaluationError, match=f"no weights of LPIPS' {name} as torchvision publishes"):
        Lpips(name)
