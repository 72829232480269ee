"""The style encoder of GroupDNet, which reads every class of a picture apart from the others."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from semsynth.layers.doublings import doublings
from semsynth.layers.init import initialise, spectral_norm
from semsynth.semantics import Semantics
from semsynth.style import Posterior, Style


class GroupEncoder(nn.Module):
    """Images and label maps to a Gaussian over the codes of each class (arXiv:2003.12697).

    Of each class the picture under its mask is cut out and brought to `size` (see `class_crops`); all are stacked to
    3 channels a class. Stride-2 3x3 convolutions (1, 2, 4, 8, 8, 8 times `class_width` channels a class) with spectral
    and instance norm and LeakyReLU 0.2 bring them to the generator's start grid, two 3x3 convolutions make `code`
    channels a class. All have as many groups as classes.

    >>> encoder = GroupEncoder(num_classes=2, size=(16, 16), upsamplings=2, class_width=2)
    >>> semantics = Semantics(torch.arange(16).expand(1, 16, 16) // 8, 2)
    >>> image = torch.randn(1, 3, 16, 16)
    >>> other = torch.where(semantics.labels[:, None] == 1, torch.randn(1, 3, 16, 16), image)
    >>> a, b = (encoder.eval().encode(x, semantics).classes for x in (image, other))
    >>> tuple(a.shape), [torch.equal(a[:, k], b[:, k]) for k in (0, 1)]
    ((1, 2, 128), [True, False])

    Args:
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        code: Channels of a class's code.
        class_width: Channels of a class in the first layer.
        upsamplings: Of the generator, as many as there are layers; None: as there, to let the size decide.
        init_gain: Gain of the Xavier-normal initialisation.

    Raises:
        ValueError: more or fewer layers than 1 to 6, or such that do not divide the size.
    """

    def __init__(self, num_classes: int, *, size: tuple[int, int] = (256, 256), code: int = 8, class_width: int = 8,
                 upsamplings: int | None = None, init_gain: float = 0.02) -> None:
        super().__init__()
        upsamplings = doublings(size) if upsamplings is None else upsamplings
        if not 1 <= upsamplings <= 6 or any(side % 2 ** upsamplings for side in size):
            raise ValueError(f"encoder.upsamplings={upsamplings} must be 1..6, and 2**upsamplings divide "
                             f"size={list(size)}")
        self.num_classes, self.size, self.code = num_classes, (int(size[0]), int(size[1])), code
        widths = [3, *(class_width * min(2 ** k, 8) for k in range(upsamplings))]
        self.layers = nn.Sequential(*(
            nn.Sequential(spectral_norm(nn.Conv2d(a * num_classes, b * num_classes, 3, stride=2, padding=1,
                                                  groups=num_classes, bias=False)),
                          nn.InstanceNorm2d(b * num_classes), nn.LeakyReLU(0.2))
            for a, b in pairwise(widths)))
        heads = [nn.Conv2d(widths[-1] * num_classes, code * num_classes, 3, padding=1, groups=num_classes)
                 for _ in range(2)]
        self.fc_mu, self.fc_logvar = heads
        initialise(self, init_gain)

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The codes of the classes of images (N,3,H,W) in [-1,1]: the means of the posterior.

        Raises:
            ValueError: there are no label maps, or of another size.
        """
        if semantics is None:
            raise ValueError("this encoder reads the style of each class: it needs the label map of the picture whose "
                             "style it shall take")
        if image.shape[-2:] != semantics.size:
            raise ValueError(f"the picture is of {tuple(image.shape[-2:])}, its label map of {semantics.size}")
        mean, log_variance = self(class_crops(image.to(self.fc_mu.weight), semantics.labels, self.num_classes,
                                              self.size))
        return Style(classes=mean, posterior=Posterior(mean, log_variance, "classes"))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N,3*K,H,W) to means and log-variances, each (N,K,code*h*w)."""
        features = self.layers(crops)
        mean, log_variance = (head(features).unflatten(1, (self.num_classes, -1)).flatten(2)
                              for head in (self.fc_mu, self.fc_logvar))
        return mean, log_variance


def class_crops(image: Tensor, labels: Tensor, num_classes: int, size: tuple[int, int]) -> Tensor:
    """The picture under the mask of each class, cut to the mask's bounding box, resized (nearest): (N,3*K,h,w).

    Outside the mask, and of classes that are not there, it is 0. The released code takes the box of the rows and
    columns whose sums of the masked picture are not 0, which is another one where colours cancel.

    >>> labels = torch.tensor([[[0, 0], [0, 1]]])
    >>> class_crops(torch.full((1, 3, 2, 2), 0.5), labels, 2, (2, 2))[0, ::3].tolist()
    [[[0.5, 0.5], [0.5, 0.0]], [[0.5, 0.5], [0.5, 0.5]]]

    Args:
        image: (N,3,H,W).
        labels: (N,H,W) int64.
        num_classes: K.
        size: (h, w).
    """
    count, height, width = labels.shape
    place = labels + num_classes * torch.arange(count, device=labels.device)[:, None, None]
    down, across = (torch.arange(side, device=labels.device) for side in (height, width))
    rows = _within(place, down[:, None].expand(height, width), count * num_classes, size[0])
    columns = _within(place, across.expand(height, width), count * num_classes, size[1])
    pixels = (rows[:, :, None] * width + columns[:, None]).view(count, -1)  # (N,K*h*w)
    read = image.flatten(2).gather(2, pixels[:, None].expand(-1, image.shape[1], -1))
    of_class = labels.flatten(1).gather(1, pixels).view(count, num_classes, -1)
    inside = of_class == torch.arange(num_classes, device=labels.device)[:, None]
    crops = read.view(count, image.shape[1], num_classes, -1) * inside[:, None]
    return crops.transpose(1, 2).reshape(count, -1, *size)


def _within(place: Tensor, position: Tensor, boxes: int, length: int) -> Tensor:
    """Which positions along an axis a box's pixels are read from, (boxes,length); any where it is empty."""
    position = position.expand_as(place).flatten()
    last, index = int(position.max()), place.flatten()
    start = position.new_full((boxes,), last).scatter_reduce_(0, index, position, "amin")
    end = position.new_zeros(boxes).scatter_reduce_(0, index, position, "amax")
    steps = torch.arange(length, device=position.device)
    return (start[:, None] + steps * (end - start + 1).clamp_min(0)[:, None] // length).clamp_max(last)
