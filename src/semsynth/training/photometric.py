"""Changes of training images on the device of the batch, for networks that must not mind how a picture was taken."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GREY = (0.299, 0.587, 0.114)


class Photometric(nn.Module):
    """Random brightness, contrast, saturation, blur, noise and coarseness of images (N,3,H,W) in [-1,1].

    Drawn for each image, from torch's global generator. A value of 0 leaves that change out (`coarse`: 1).

    Args:
        brightness: Largest shift, where the range of the images is 2.
        contrast: Largest relative change of the distance from the image's mean.
        saturation: Largest relative change of the distance from grey.
        blur: Largest share of a 3x3 binomial blur that is mixed in.
        noise: Largest standard deviation of Gaussian noise.
        coarse: Largest factor by which pictures are made smaller and then as large as before, so that they show no more
            than smaller ones do; all of a batch by one factor. 1: none.

    Raises:
        ValueError: a negative value, a blur above 1, or a factor below 1.
    """

    def __init__(self, brightness: float = 0.1, contrast: float = 0.2, saturation: float = 0.2, blur: float = 0.5,
                 noise: float = 0.04, coarse: float = 1.0) -> None:
        super().__init__()
        if min(brightness, contrast, saturation, blur, noise) < 0 or blur > 1:
            raise ValueError("brightness, contrast, saturation and noise must be >= 0, and blur in [0,1]")
        if coarse < 1:
            raise ValueError(f"coarse must be >= 1, got {coarse}")
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation
        self.blur, self.noise, self.coarse = blur, noise, coarse

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Change images; the result is clipped to [-1,1]."""
        def drawn(most: float, least: float) -> Tensor:
            return torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(least, most)

        x = images
        if self.coarse > 1:
            factor = 1 + float(torch.rand(())) * (self.coarse - 1)
            small = [max(1, round(side / factor)) for side in x.shape[-2:]]
            x = F.interpolate(x, small, mode="bilinear", align_corners=False, antialias=True)
            x = F.interpolate(x, images.shape[-2:], mode="bilinear", align_corners=False)
        if self.saturation:
            grey = (x * x.new_tensor(GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)
            x = torch.lerp(grey.expand_as(x), x, 1 + drawn(self.saturation, -self.saturation))
        if self.contrast:
            x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, 1 + drawn(self.contrast, -self.contrast))
        if self.brightness:
            x = x + drawn(self.brightness, -self.brightness)
        if self.blur:
            y = F.pad(x, (1, 1, 1, 1), mode="replicate")
            y = y[..., :-2, :] + 2 * y[..., 1:-1, :] + y[..., 2:, :]
            y = y[..., :-2] + 2 * y[..., 1:-1] + y[..., 2:]
            x = torch.lerp(x, y / 16, drawn(self.blur, 0))
        if self.noise:
            x = x + torch.randn_like(x) * drawn(self.noise, 0)
        return x.clamp(-1, 1)


class RandomZoom(nn.Module):
    """Cut a window of random place out of every picture and bring it to one size.

    Images are resized bilinearly with antialiasing, labels by nearest. All pictures of a batch share one zoom, drawn
    uniformly between 1 / zoom and 1 as the side of the window over the side of the picture.

    Args:
        size: (H,W) of the result.
        zoom: Largest enlargement; 1 takes whole pictures.

    Raises:
        ValueError: a zoom below 1, or a size that is not [H,W].
    """

    def __init__(self, size: Sequence[int], zoom: float = 1.6) -> None:
        super().__init__()
        if zoom < 1:
            raise ValueError(f"zoom must be >= 1, got {zoom}")
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size must be [height, width] in pixels, got {size}")
        self.size, self.zoom = (int(size[0]), int(size[1])), zoom

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N,3,h,w), labels (N,h,w) -> (N,3,H,W), (N,H,W)."""
        h, w = labels.shape[-2:]
        share = 1 - float(torch.rand(())) * (1 - 1 / self.zoom)
        height, width = max(1, round(h * share)), max(1, round(w * share))
        tops = torch.randint(h - height + 1, (len(labels),)).tolist()
        lefts = torch.randint(w - width + 1, (len(labels),)).tolist()
        windows = [(..., slice(top, top + height), slice(left, left + width))
                   for top, left in zip(tops, lefts, strict=True)]
        images = torch.stack([image[window] for image, window in zip(images, windows, strict=True)])
        labels = torch.stack([label[window] for label, window in zip(labels, windows, strict=True)])
        if (height, width) == self.size:
            return images, labels
        images = F.interpolate(images, self.size, mode="bilinear", align_corners=False, antialias=True)
        rows = _centres(self.size[0], height, labels.device)
        columns = _centres(self.size[1], width, labels.device)
        return images, labels[:, rows][:, :, columns]


def _centres(count: int, side: int, device: torch.device) -> Tensor:
    """For `count` cells that divide a side the pixel at each cell's centre."""
    return ((torch.arange(count, device=device) + 0.5) * side / count).long().clamp_max(side - 1)
