"""The style encoder of INADE, whose kernels see one instance at a time."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.init import initialise
from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Posterior, Style

HEADS = ("scale_conv_mu", "bias_conv_mu", "scale_conv_var", "bias_conv_var")


class InstanceConv2d(nn.Conv2d):
    """A 3x3 convolution that leaves out what belongs to another instance than the middle of its window.

    What is left is not rescaled. Beyond the border there are zeros, whatever instance they are counted to.

    >>> layer = InstanceConv2d(1, 1)
    >>> nn.init.ones_(layer.weight).sum().item(), nn.init.zeros_(layer.bias).item()
    (9.0, 0.0)
    >>> layer(torch.ones(1, 1, 1, 4), torch.tensor([[[0, 0, 0, 1]]])).flatten().tolist()
    [2.0, 3.0, 2.0, 1.0]
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, 3, stride=stride, padding=1)

    def forward(self, x: Tensor, instances: Tensor) -> Tensor:  # type: ignore[override]
        """x (N,C,H,W) with instances (N,H,W) to (N,C',H/stride,W/stride)."""
        count, _, height, width = x.shape
        stride = self.stride[0]
        near = F.unfold(instances[:, None].to(x.dtype), 3, padding=1, stride=stride)  # (N,9,L)
        same = (near == near[:, 4:5])[:, None]
        taps = F.unfold(x, 3, padding=1, stride=stride).unflatten(1, (-1, 9)) * same
        out = torch.matmul(self.weight.flatten(1), taps.flatten(1, 2))
        out = out if self.bias is None else out + self.bias[:, None]
        return out.view(count, -1, -(-height // stride), -(-width // stride))


class InstanceEncoder(nn.Module):
    """Images and label maps to a Gaussian over the code of each instance (arXiv:2103.10868).

    Four convolutions of stride 2 (1, 2, 4, 8 times `nef`), one to 4 * `nef`, three more behind bilinear x2 upsampling
    that also read the output of the layer of their size on the way down; all are `InstanceConv2d`, with instance norm
    and LeakyReLU 0.2. At full size four convolutions make means and log-variances of an instance's noise of scale and
    of shift, which are averaged over its pixels. Without an instance map the pixels of a class are an instance.

    >>> encoder = InstanceEncoder(noise=3, nef=2)
    >>> semantics = Semantics(torch.arange(32).expand(1, 32, 32) // 16, 2)
    >>> image = torch.randn(1, 3, 32, 32)
    >>> tuple(encoder.encode(image, semantics).instances.shape)
    (1, 2, 6)

    Args:
        noise: Numbers of an instance for scale, and as many for shift.
        nef: Width of the first layer.
        init_gain: Gain of the Xavier-normal initialisation.
    """

    def __init__(self, noise: int = 64, *, nef: int = 64, init_gain: float = 0.02) -> None:
        super().__init__()
        self.noise = noise
        widths = [3, nef, 2 * nef, 4 * nef, 8 * nef]
        self.down = nn.ModuleList(InstanceConv2d(a, b, 2) for a, b in pairwise(widths))
        self.middle = InstanceConv2d(8 * nef, 4 * nef)
        self.up = nn.ModuleList(InstanceConv2d(a, b) for a, b in ((8 * nef, 2 * nef), (4 * nef, nef), (2 * nef, nef)))
        self.heads = nn.ModuleDict({name: InstanceConv2d(nef, noise) for name in HEADS})
        initialise(self, init_gain)

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The codes of the instances of images (N,3,H,W) in [-1,1]: the means of the posterior, N(0, 1) of absent ones.

        Raises:
            ValueError: there are no label maps, or of another size, or 16 does not divide it.
        """
        if semantics is None:
            raise ValueError("this encoder reads the style of instances: it needs the label map of the picture whose "
                             "style it shall take")
        if image.shape[-2:] != semantics.size or any(side % 16 for side in semantics.size):
            raise ValueError(f"the picture is of {tuple(image.shape[-2:])}, its label map of {semantics.size}: both "
                             "must be of one size, in multiples of 16")
        regions = semantics.regions()
        maps = self(image.to(self.middle.weight), regions)
        mean, log_variance = regions.mean(maps).chunk(2, 2)
        return Style(instances=mean, posterior=Posterior(mean, log_variance, "instances"))

    def forward(self, image: Tensor, regions: Regions) -> Tensor:
        """Images to maps (N,4*noise,H,W): means for scale and shift, log-variances for scale and shift."""
        height, width = image.shape[-2:]
        at = [regions.resized(height >> k, width >> k).index for k in range(5)]
        x, skips = image, []
        for k, layer in enumerate(self.down):
            x = _activated(layer(x, at[k]))
            skips.append(x)
        x = _doubled(_activated(self.middle(x, at[4])))
        for k, layer in zip((3, 2, 1), self.up, strict=True):
            x = _doubled(_activated(layer(torch.cat([x, skips[k - 1]], 1), at[k])))
        return torch.cat([self.heads[name](x, at[0]) for name in HEADS], 1)


def _activated(x: Tensor) -> Tensor:
    return F.leaky_relu(F.instance_norm(x), 0.2)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
