"""SSIM as scikit-image computes it, beside a loop over windows; RMSE and PSNR of single images."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from semsynth.metrics.paired_score import Rows
from semsynth.metrics.reconstruction import Reconstruction, ssim


def by_windows(first, second, data_range):
    """The formula at every 7x7 window, with numpy's sample covariance."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for channel in range(first.shape[0]):
        for row in range(first.shape[1] - 6):
            for column in range(first.shape[2] - 6):
                x, y = (image[channel, row:row + 7, column:column + 7].ravel() for image in (first, second))
                (vx, cov), (_, vy) = np.cov(x, y)
                mx, my = x.mean(), y.mean()
                values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


@pytest.mark.parametrize("data_range", [1, 2])
def test_ssim_is_the_mean_over_windows(data_range):
    rng = np.random.default_rng(0)
    first = rng.random((2, 3, 12, 15))
    second = np.clip(first + 0.2 * rng.standard_normal(first.shape), 0, 1)
    found = ssim(torch.from_numpy(first), torch.from_numpy(second), data_range)
    wanted = [by_windows(a, b, data_range) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_the_range_is_what_raises_the_published_score():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    noisy = (image + 0.4 * torch.randn_like(image)).clamp(-1, 1)
    wide, narrow = (float(Reconstruction(data_range).measure(image, noisy, {})[0, 0]) for data_range in (2, 1))
    assert wide > narrow
    theirs = structural_similarity_index_measure((image + 1) / 2, (noisy + 1) / 2, gaussian_kernel=False, kernel_size=7,
                                                 data_range=1.0)
    assert narrow == pytest.approx(float(theirs), abs=0.01)  # another variance, and a border


def test_each_score_is_a_mean_over_images():
    """Of one image that is right and one that is black for white: not the root of the common mean square."""
    real = -torch.ones(2, 3, 8, 8)
    fake = torch.stack([real[0] + 0.02, -real[1]])
    found = Rows(Reconstruction())
    for index in range(2):
        found.add(found.score.measure(fake[index:index + 1], real[index:index + 1], {}))
    scores = found.compute()
    assert scores["reconstruction/rmse"] == pytest.approx((0.01 + 1) / 2, rel=1e-6)
    assert scores["reconstruction/psnr"] == pytest.approx((40 + 0) / 2, rel=1e-5)
    together = Rows(Reconstruction())
    together.add(together.score.measure(fake, real, {}))
    assert together.compute() == pytest.approx(scores, nan_ok=True)
    found.reset()
    assert found.compute() == {}


def test_images_below_a_window_have_no_ssim():
    found = Reconstruction().measure(torch.zeros(1, 3, 6, 9), torch.zeros(1, 3, 6, 9) + 0.2, {})[0]
    assert found[0].isnan()
    assert float(found[1]) == pytest.approx(0.1)
