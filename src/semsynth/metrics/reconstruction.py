"""How well a photograph is drawn again from its own label map and style: SSIM, RMSE and PSNR."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

WINDOW = 7  # scikit-image's default
K1, K2 = 0.01, 0.03


def ssim(first: Tensor, second: Tensor, data_range: float) -> Tensor:
    """Structural similarity (Wang et al., 2004) as scikit-image computes it by default.

    Windows of 7x7 pixels that lie within the image, all weights alike, variances of samples (divided by 48), mean over
    the windows and channels. (torchmetrics divides by 49 and has windows beyond the border.)

    >>> image = torch.rand(1, 3, 16, 16)
    >>> ssim(image, image, data_range=1.0).tolist()
    [1.0]

    Args:
        first: Images (N,C,H,W) in [0,1].
        second: Likewise.
        data_range: That the constants stand against: 1 is the range that the values have.

    Returns:
        (N,) float64; NaN where a side is below 7 pixels.
    """
    if min(first.shape[-2:]) < WINDOW:
        return torch.full((len(first),), torch.nan, dtype=torch.float64)
    x, y = first.double(), second.double()
    sample = WINDOW**2 / (WINDOW**2 - 1)

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, WINDOW, stride=1)

    mx, my = mean(x), mean(y)
    vx, vy = (sample * (mean(a.square()) - ma.square()) for a, ma in ((x, mx), (y, my)))
    cov = sample * (mean(x * y) - mx * my)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    similar = (2 * mx * my + c1) * (2 * cov + c2) / ((mx.square() + my.square() + c1) * (vx + vy + c2))
    return similar.mean((1, 2, 3))


class Reconstruction:
    """SEAN's scores of a reconstruction (arXiv:1911.12861), each the mean over the images, of values in [0,1].

    `ssim`; `rmse`, the root of the mean squared difference; `psnr` in dB. The published SSIM has a data range of 2,
    which scikit-image takes for real numbers: with 1 the same pictures have .54 where .73 is published.

    >>> image = torch.zeros(1, 3, 16, 16)
    >>> score = Reconstruction()
    >>> found = score.compute(score.measure(image, image + 0.2, {}))  # 0.1 in [0,1]
    >>> round(found["rmse"], 3), round(found["psnr"], 2)
    (0.1, 20.0)

    Args:
        ssim_range: Data range of SSIM.
    """

    kind = "reconstruction"

    def __init__(self, ssim_range: float = 2.0) -> None:
        self.ssim_range = ssim_range

    @torch.no_grad()
    def measure(self, generated: Tensor, real: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        """(N,3) float64 of images (N,3,H,W) in [-1,1] and the photographs that they shall be: SSIM, RMSE, PSNR."""
        x, y = ((images.double().cpu() + 1) / 2 for images in (generated, real))
        rmse = (x - y).square().mean((1, 2, 3)).sqrt()
        psnr = peak_signal_noise_ratio(x, y, data_range=1.0, reduction="none", dim=(1, 2, 3))
        return torch.stack([ssim(x, y, self.ssim_range), rmse, psnr], 1)

    def compute(self, rows: Tensor) -> dict[str, float]:
        """Means over the images."""
        return dict(zip(("ssim", "rmse", "psnr"), rows.mean(0).tolist(), strict=True))
