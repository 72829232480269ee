import torch
from torch.testing import assert_close

from semsynth.generators.feature_clusters import FeatureClusters, k_means
from semsynth.semantics import Semantics


def test_centres_are_those_of_far_groups():
    torch.manual_seed(0)
    groups = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    points = (groups[:, None] + 0.1 * torch.randn(3, 40, 2)).flatten(0, 1)
    found = k_means(points[torch.randperm(120)], 3)
    expected = points.double().view(3, 40, 2).mean(1)
    assert_close(found[torch.cdist(expected, found).argmin(1)], expected)


def test_no_more_centres_than_different_points():
    assert len(k_means(torch.ones(7, 3), 4)) == 1
    assert len(k_means(torch.empty(0, 3), 4)) == 0


def test_draws_are_of_the_instances_classes():
    clusters = FeatureClusters(3, 2, count=2)
    clusters.fit(torch.tensor([[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]), torch.tensor([0, 0, 2]))
    semantics = Semantics(torch.tensor([[[0, 2]], [[2, 2]]]), 3)
    torch.manual_seed(0)
    found = {tuple(clusters.style(2, semantics, None).instances[0, 0].tolist()) for _ in range(40)}
    assert found == {(1.0, 1.0), (2.0, 2.0)}
    codes = clusters.style(2, semantics, torch.randn).instances
    assert codes.shape == (2, 2, 2)
    assert codes[0, 1].tolist() == codes[1, 0].tolist() == [9.0, 9.0]
    assert codes[1, 1].tolist() == [0.0, 0.0]
    by_class = clusters.style(4, None, lambda shape: torch.zeros(shape)).classes
    assert by_class.shape == (4, 3, 2)
    assert by_class[0, 1].tolist() == [0.0, 0.0]


def test_the_same_numbers_draw_the_same():
    clusters = FeatureClusters(1, 1, count=10)
    clusters.fit(torch.arange(10.0)[:, None], torch.zeros(10, dtype=torch.int64))
    classes = torch.zeros(1, 10_000, dtype=torch.int64)
    numbers = torch.randn(1, 10_000, generator=torch.Generator().manual_seed(0))
    drawn = clusters.drawn(classes, lambda _: numbers)
    assert torch.equal(drawn, clusters.drawn(classes, lambda _: numbers))
    counts = torch.bincount(drawn.flatten().long(), minlength=10)
    assert counts.min() > 900  # equally likely
