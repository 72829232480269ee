"""The instances of label maps, numbered within each picture: what has one code of appearance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from semsynth.semantics.semantics import Semantics


@dataclass(frozen=True, eq=False)
class Regions:
    """Every pixel's instance, and every instance's class.

    An instance is what shares a number of the instance map and a class; without instance maps, a class.

    >>> from semsynth.semantics import Semantics
    >>> labels = torch.tensor([[[0, 0, 2, 2]]])
    >>> regions = Regions.of(Semantics(labels, 3, instances=torch.tensor([[[7, 7, 7, 9]]])))
    >>> regions.classes.tolist(), regions.index.tolist()
    ([[0, 2, 2]], [[[0, 0, 1, 2]]])

    Shapes:
        index: (N,H,W) int64, in [0, I), by class and then by number; I is that of the picture with most of them.
        classes: (N,I) int64, -1 where a picture has fewer.
        sizes: (N,I) int64, pixels.
    """

    index: Tensor
    classes: Tensor
    sizes: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, semantics: Semantics) -> Regions:
        """Of label maps at full size."""
        labels, instances = semantics.labels, semantics.instances
        numbers = torch.zeros_like(labels)
        if instances is not None:
            numbers = instances.long() - instances.min()
        count, most = len(labels), numbers.max() + 1
        picture = torch.arange(count, device=labels.device)[:, None, None]
        codes = (picture * semantics.num_classes + labels) * most + numbers
        found, inverse, sizes = torch.unique(codes, return_inverse=True, return_counts=True)
        owner = found // (most * semantics.num_classes)
        each = torch.bincount(owner, minlength=count)
        first = each.cumsum(0) - each
        place = torch.arange(len(found), device=labels.device) - first[owner]
        classes = labels.new_full((count, int(each.max())), -1)
        classes[owner, place] = found // most % semantics.num_classes
        pixels = torch.zeros_like(classes)
        pixels[owner, place] = sizes
        return cls(place[inverse].view(labels.shape), classes, pixels)

    def map(self, change: Callable[[Tensor], Tensor]) -> Regions:
        """The same with every tensor changed."""
        return Regions(change(self.index), change(self.classes), change(self.sizes))

    def resized(self, h: int, w: int) -> Regions:
        """Nearest-resized as label maps are; classes and sizes stay those at full size."""
        rows, columns = (torch.arange(side, device=self.index.device) * full // side
                         for side, full in zip((h, w), self.index.shape[1:], strict=True))
        return Regions(self.index[:, rows[:, None], columns], self.classes, self.sizes)

    def mean(self, maps: Tensor) -> Tensor:
        """The average of maps (N,C,H,W) over each instance, (N,I,C) in float32 at least; zeros for fewer."""
        maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
        n, channels, _, _ = maps.shape
        index = self.index.flatten(1)[..., None].expand(-1, -1, channels)
        sums = maps.new_zeros(n, self.classes.shape[1], channels)
        sums = sums.scatter_add(1, index, maps.flatten(2).transpose(1, 2))
        return sums / self.sizes.clamp_min(1)[..., None]

    def spread(self, codes: Tensor) -> Tensor:
        """The code (N,I,C) of each pixel's instance, (N,C,H,W).

        Raises:
            ValueError: there are fewer codes than instances: they belong to other label maps.
        """
        if codes.shape[1] < self.classes.shape[1]:
            raise ValueError(f"a style has codes for {codes.shape[1]} instances, the label maps have "
                             f"{self.classes.shape[1]}: such a style belongs to the label maps that it was made for")
        return by_region(codes, self.index)


def by_region(codes: Tensor, regions: Tensor) -> Tensor:
    """A map (N,C,H,W) of codes (N,I,C): of instances, or of classes.

    >>> by_region(torch.tensor([[[3.0], [5.0]]]), torch.tensor([[[1, 0]]])).tolist()
    [[[[5.0, 3.0]]]]

    Args:
        codes: One for each region.
        regions: (N,H,W) int64, which of the codes each pixel has: labels, or an instance map numbered from 0.
    """
    index = regions.flatten(1)[:, None].expand(-1, codes.shape[2], -1)
    return codes.transpose(1, 2).gather(2, index).view(len(codes), -1, *regions.shape[1:])


def mean_by_class(maps: Tensor, view: Semantics) -> Tensor:
    """The average of maps (N,C,h,w) over the pixels of each class of a view of their size, (N,K,C); zeros without any.

    That of a soft label map is weighted by its probabilities.

    >>> from semsynth.semantics import Semantics
    >>> view = Semantics(torch.tensor([[[0, 0, 2]]]), 3)
    >>> mean_by_class(torch.tensor([[[[1.0, 2.0, 5.0]]]]), view).flatten().tolist()
    [1.5, 0.0, 5.0]
    """
    classes = view.one_hot(dtype=maps.dtype).flatten(2)
    sizes = classes.sum(2, keepdim=True)
    return (classes @ maps.flatten(2).transpose(1, 2)) / sizes.masked_fill(sizes == 0, 1)
