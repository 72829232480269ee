"""mCSD and mOCD by both readings."""

import math
from itertools import combinations

import pytest
import torch
from torch.testing import assert_close

from semsynth.metrics.class_diversity import ClassDiversity
from semsynth.metrics.diversity import JudgeDistance
from semsynth.metrics.pixel_features import PixelDistance


@pytest.fixture
def pictures():
    """Three samples of two label maps, and a class in each."""
    torch.manual_seed(0)
    inside = torch.zeros(2, 8, 8, dtype=torch.bool)
    inside[0, :2], inside[1, :, :4] = True, True
    return torch.rand(3, 2, 3, 8, 8) * 2 - 1, inside


def scores(diversity, samples, inside):
    diversity.add(diversity.distances(samples, inside))
    return diversity.compute()


@pytest.mark.parametrize("restriction", ["mask_images", "mask_map"])
def test_a_loop_over_pairs_and_pixels_says_the_same(restriction, pictures):
    samples, inside = pictures
    found = scores(ClassDiversity(PixelDistance(), restriction), samples, inside)
    for key, side in (("mcsd", inside), ("mocd", ~inside)):
        values = []
        for first, second in combinations(range(3), 2):
            for picture in range(2):
                pixels = (samples[first, picture] - samples[second, picture]).abs().mean(0) / 2
                of_class = pixels[side[picture]]
                values.append(of_class.mean() if restriction == "mask_map" else of_class.sum() / 64)
        assert found[key] == pytest.approx(float(torch.stack(values).mean()), rel=1e-5)


def test_what_changes_within_the_class_alone_changes_nothing_else(pictures, small):
    samples, inside = pictures
    samples = torch.where(inside[None, :, None], samples, samples[:1])
    for distance in (PixelDistance(), JudgeDistance(small.judge())):
        found = scores(ClassDiversity(distance, "mask_images"), samples, inside)
        assert found["mocd"] == pytest.approx(0, abs=1e-6)
        assert found["mcsd"] > 1e-4
    assert scores(ClassDiversity(PixelDistance(), "mask_map"), samples, inside)["mocd"] == 0


def test_a_class_that_fills_a_picture_has_no_rest(pictures):
    samples, inside = pictures
    everywhere = torch.ones_like(inside)
    found = scores(ClassDiversity(PixelDistance()), samples, everywhere)
    assert math.isnan(found["mocd"])
    assert found["mcsd"] > 0
    both = ClassDiversity(PixelDistance())
    scores(both, samples, everywhere)
    assert scores(both, samples, inside)["mocd"] == scores(ClassDiversity(PixelDistance()), samples, inside)["mocd"]
    both.reset()
    assert math.isnan(both.compute()["mcsd"])
    with pytest.raises(ValueError, match="two or more samples of a label map, got 1"):
        both.distances(samples[:1], inside)


def test_maps_of_distances_have_their_mean(pictures, small):
    first, second = pictures[0][:2]
    for distance in (PixelDistance(), JudgeDistance(small.judge())):
        maps = distance.by_place(first, second)
        assert maps.shape == (2, 8, 8)
        assert_close(maps.mean((1, 2)), distance(first, second), rtol=0.2, atol=0)  # where it was brought to the size
