"""How much a class or an instance changes with its own style, and how much everything else does: mCSD, mISD and kin."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from semsynth.metrics.diversity import Distance
from semsynth.metrics.protocol import Restriction

Part = Literal["class", "instance"]
"""Whose style alone differs."""
KINDS: dict[Part, tuple[str, str]] = {"class": ("mcsd", "mocd"), "instance": ("misd", "moisd")}
"""The names of the distances within a part, and in the rest."""


class ClassDiversity:
    """Mean distances of images that differ in the style of one class, or one instance, alone.

    `mcsd` (SMIS, CVPR 2020): over the pixels of that class, which should be large; `mocd`: over all others, which
    should be small. `misd` and `moisd` (INADE, arXiv:2103.10868): of an instance. Means over label maps, the classes or
    instances in them, and pairs of samples. How a distance is restricted to pixels is not published:

    - `mask_images`: the distance of the whole images, in which all other pixels are 0 (grey). Small classes have small
      values; the published ones (.026 and .003) are of this size.
    - `mask_map`: the mean of the distance's map over those pixels, whatever their number.

    >>> from semsynth.metrics.pixel_features import PixelDistance
    >>> samples = torch.zeros(2, 1, 3, 4, 4)
    >>> samples[1, ..., :2] = 1  # the left half changes from grey to white: half of the range
    >>> left = torch.arange(4).expand(1, 4, 4) < 2
    >>> for restriction in ("mask_images", "mask_map"):
    ...     diversity = ClassDiversity(PixelDistance(), restriction)
    ...     diversity.add(diversity.distances(samples, left))
    ...     print(diversity.compute())
    {'mcsd': 0.25, 'mocd': 0.0}
    {'mcsd': 0.5, 'mocd': 0.0}

    Args:
        distance: Between images.
        restriction: See above.
        part: Whose style alone differs.
    """

    def __init__(self, distance: Distance, restriction: Restriction = "mask_images", part: Part = "class") -> None:
        self.distance, self.restriction, self.part = distance, restriction, part
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._sums = torch.zeros(2, 2, dtype=torch.float64)  # of the distances, and their number; inside, outside

    @torch.no_grad()
    def distances(self, samples: Tensor, inside: Tensor) -> Tensor:
        """Distances within and without a class or an instance.

        Args:
            samples: (S,N,3,H,W) in [-1,1], of N label maps; those of a map differ in the style of one of them.
            inside: (N,H,W) bool, that one.

        Returns:
            (S(S-1)/2,N,2) float64 on the CPU, of each pair of samples; NaN for a map that it fills.

        Raises:
            ValueError: fewer than two samples.
        """
        if len(samples) < 2:
            raise ValueError(f"{' and '.join(KINDS[self.part])} need two or more samples of a label map, got "
                             f"{len(samples)}")
        inside = inside.to(samples.device)
        found = []
        for first, second in combinations(samples, 2):
            sides = [self._restricted(first, second, side) for side in (inside, ~inside)]
            found.append(torch.stack(sides, 1).double().cpu())
        return torch.stack(found)

    def _restricted(self, first: Tensor, second: Tensor, side: Tensor) -> Tensor:
        pixels = side.sum((1, 2))
        if self.restriction == "mask_map":
            values = (self.distance.by_place(first, second) * side).sum((1, 2)) / pixels
        else:
            values = self.distance(first * side[:, None], second * side[:, None])
        return torch.where(pixels > 0, values, torch.nan)

    def add(self, distances: Tensor) -> None:
        """Add what `distances` has found."""
        flat = distances.flatten(0, 1)
        counts = ~flat.isnan()
        self._sums += torch.stack([flat.nan_to_num().sum(0), counts.sum(0).double()], 1)

    def compute(self) -> dict[str, float]:
        """The means, by their names in `KINDS`; NaN without samples."""
        values = torch.where(self._sums[:, 1] > 0, self._sums[:, 0] / self._sums[:, 1], torch.nan)
        return dict(zip(KINDS[self.part], values.tolist(), strict=True))
