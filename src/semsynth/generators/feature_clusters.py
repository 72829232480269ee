"""Clusters of instance features, from which pix2pixHD draws where there is no photograph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Normal, Style

ROUNDS = 100


class FeatureClusters(nn.Module):
    """For each class the centres of K-means over the features of its instances (arXiv:1711.11585).

    Before `fit`, and for classes that no instance was seen of, the centres are zeros.

    >>> clusters = FeatureClusters(num_classes=2, features=1, count=2)
    >>> clusters.fit(torch.tensor([[0.0], [0.2], [1.0], [5.0]]), torch.tensor([0, 0, 0, 1]))
    >>> clusters.centres[0].sort(0)[0].flatten().tolist(), clusters.known.tolist()
    ([0.10000000149011612, 1.0], [2, 1])
    >>> clusters.drawn(torch.tensor([[1, -1]]), torch.randn).tolist()  # a picture with an instance, one with none
    [[[5.0], [0.0]]]

    Shapes:
        centres: (K,count,features).
        known: (K,) int64, how many of them there are.

    Args:
        num_classes: K.
        features: Of an instance.
        count: Most centres of a class.
    """

    centres: Tensor
    known: Tensor

    def __init__(self, num_classes: int, features: int, count: int = 10) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(num_classes, count, features))
        self.register_buffer("known", torch.zeros(num_classes, dtype=torch.int64))

    @property
    def class_indexed(self) -> dict[str, int]:
        """Names of its tensors with one entry a class, and the dimension of these."""
        return {"centres": 0, "known": 0}

    @torch.no_grad()
    def fit(self, features: Tensor, classes: Tensor) -> None:
        """Set the centres from features (M,F) of instances of classes (M,)."""
        self.centres.zero_()
        self.known.zero_()
        for index in range(len(self.known)):
            found = k_means(features[classes == index], self.centres.shape[1])
            self.centres[index, :len(found)] = found.to(self.centres)
            self.known[index] = len(found)

    def style(self, count: int, semantics: Semantics | None, normal: Normal | None) -> Style:
        """A centre for each instance of `count` label maps, or of one; for each class without (as on meta)."""
        if semantics is None or semantics.labels.is_meta:
            return Style(classes=self.drawn(torch.arange(len(self.known)).expand(count, -1), normal))
        return Style(instances=self.drawn(Regions.of(semantics).classes.expand(count, -1), normal))

    def drawn(self, classes: Tensor, normal: Normal | None = None) -> Tensor:
        """A centre of each class (N,I), equally likely; zeros for -1: (N,I,F)."""
        shape = (classes.shape[0], classes.shape[1])
        numbers = torch.randn(shape, device=self.centres.device) if normal is None else normal(shape)
        share = torch.special.ndtr(numbers.to(self.centres))  # uniform
        classes = classes.to(self.centres.device)
        known = self.known[classes.clamp_min(0)]
        chosen = torch.minimum((share * known).long(), (known - 1).clamp_min(0))
        centres = self.centres[classes.clamp_min(0), chosen]
        return torch.where((classes >= 0)[..., None], centres, 0.0)


def k_means(points: Tensor, count: int) -> Tensor:
    """Centres (at most `count`,F) of points (M,F), the same for the same points.

    Lloyd's iteration from the points that lie farthest from those before them, the first being nearest to the mean;
    fewer centres where there are fewer different points.
    """
    if not len(points):
        return points
    points = points.double()
    first = (points - points.mean(0)).square().sum(1).argmin()
    centres, apart = [points[first]], (points - points[first]).square().sum(1)
    while len(centres) < count and apart.max() > 0:
        centres.append(points[apart.argmax()])
        apart = torch.minimum(apart, (points - centres[-1]).square().sum(1))
    found = torch.stack(centres)
    for _ in range(ROUNDS):
        owner = torch.cdist(points, found).argmin(1)
        sizes = torch.bincount(owner, minlength=len(found))[:, None]
        moved = torch.where(sizes > 0, torch.zeros_like(found).index_add_(0, owner, points) / sizes.clamp_min(1), found)
        if torch.equal(moved, found):
            break
        found = moved
    return found
