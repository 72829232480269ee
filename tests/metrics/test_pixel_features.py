import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.data.scenes.dataset import Scenes
from semsynth.metrics.frechet import Moments
from semsynth.metrics.pixel_features import PixelDistance, PixelFeatures


def moments(images):
    features = PixelFeatures()(images)
    found = Moments(features.shape[1])
    found.update(features)
    return found


def test_the_features_are_colours_and_contrasts():
    image = torch.zeros(1, 3, 16, 16)
    image[:, 0, :8, :8] = 0.5
    image[:, 2] = torch.tensor([-1.0, 1.0]).repeat(8)  # stripes one pixel wide, whose mean is zero
    found = PixelFeatures()(image)[0]
    assert found.shape == (21,)
    assert_close(found[:12].reshape(3, 4)[0], torch.tensor([0.5, 0, 0, 0]))
    contrast = found[12:].reshape(3, 3).exp() - 1 / 127.5  # rows: scales
    assert_close(contrast[:, 2], torch.tensor([256 / 255, 0, 0]).sqrt())
    assert_close(contrast[:, :2], torch.zeros(3, 2))


@pytest.fixture(scope="module")
def scenes():
    data = Scenes(192, 32, split="val")
    return torch.stack([data[i]["image"] for i in range(192)])


@pytest.mark.parametrize("change", [
    lambda x: F.avg_pool2d(x, 5, 1, 2), lambda x: x * torch.tensor([1, 0.8, 0.6])[:, None, None],
    lambda x: (x + 0.2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(-1, 1),
    lambda x: x[:1].expand(len(x), -1, -1, -1)], ids=["blurred", "tinted", "noisy", "all alike"])
def test_worse_pictures_lie_farther(scenes, change):
    one, other = scenes[:96], scenes[96:]
    assert moments(change(other)).distance(moments(one)) > 2 * moments(other).distance(moments(one))


def test_the_distance_is_a_share_of_the_range():
    black, white = torch.full((2, 3, 4, 4), -1.0), torch.ones(2, 3, 4, 4)
    assert PixelDistance()(black, white).tolist() == [1, 1]
    assert PixelDistance()(black, black * 0.5).tolist() == [0.25, 0.25]
