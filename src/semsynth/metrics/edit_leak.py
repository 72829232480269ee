"""How far the change of one region's style reaches into the rest of a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FURTHEST = 16  # pixels from a region, up to which its surroundings are told apart


class EditLeak:
    """Change outside a region over change inside it, of pictures that differ in that region's style alone.

    The change of a pixel is the mean over its channels of |after - before|. Of every edit its means are taken over the
    pixels of the region, over all others, over those further than `reach` away, and over those at each distance; these
    are averaged over the edits of a class and divided by the average inside, so that every edit counts once, whatever
    its size; a ratio over classes is the mean of theirs. A pixel is at distance d of a region when the square of
    2d+1 pixels around it is the smallest that touches it: how receptive fields grow.

    >>> before = torch.zeros(1, 3, 1, 4)
    >>> after = torch.tensor([0.5, 0.1, 0.0, 0.05]).expand(1, 3, 1, 4)
    >>> leak = EditLeak(reach=1)
    >>> leak.update(before, after, torch.tensor([[[True, False, False, False]]]), ["car"])
    >>> {name: round(value, 3) for name, value in leak.compute().items()}
    {'inside': 0.5, 'leak': 0.1, 'far': 0.05}

    Args:
        reach: Pixels around a region that count as its border.
    """

    def __init__(self, reach: int = 8) -> None:
        self.reach = reach
        self._rows: dict[str, list[Tensor]] = {}

    @property
    def names(self) -> list[str]:
        """What was changed, in the order in which it came."""
        return list(self._rows)

    @property
    def edits(self) -> int:
        """How many there were."""
        return sum(map(len, self._rows.values()))

    def update(self, before: Tensor, after: Tensor, region: Tensor, names: list[str]) -> None:
        """Add edits.

        Args:
            before: Pictures (N,3,H,W).
            after: The same after the edit of each.
            region: (N,H,W) bool, the pixels of the region that was to change.
            names: Of what each edit changes.
        """
        change = (after - before).abs().mean(1).double()
        away = distances(region)
        masks = [region, ~region, away > self.reach, *(away == d for d in range(1, FURTHEST + 1))]
        means = torch.stack([(change * mask).sum((1, 2)) / mask.sum((1, 2)) for mask in masks], 1)  # NaN of no pixels
        for name, row in zip(names, means.cpu(), strict=True):
            self._rows.setdefault(name, []).append(row)

    def compute(self, name: str | None = None) -> dict[str, float]:
        """The mean change `inside`, and the ratios `leak` (all other pixels) and `far` (beyond the border).

        Args:
            name: Of one kind of edits; None: the means over all kinds. NaN where nothing was changed.
        """
        inside = torch.stack([torch.stack(self._rows[key])[:, 0].mean() for key in self._chosen(name)]).mean()
        ratios = self._ratios(name)
        return {"inside": float(inside), "leak": float(ratios[1]), "far": float(ratios[2])}

    def profile(self, name: str | None = None) -> list[float]:
        """The ratio at the distances 1, 2, ... `FURTHEST`."""
        return [float(value) for value in self._ratios(name)[3:]]

    def _chosen(self, name: str | None) -> list[str]:
        return self.names if name is None else [name]

    def _ratios(self, name: str | None) -> Tensor:
        found = []
        for key in self._chosen(name):
            rows = torch.stack(self._rows[key])  # (edits, means)
            there = ~rows.isnan()
            inside = (rows[:, :1] * there).sum(0)  # of the edits that have pixels there
            found.append(rows.nan_to_num().sum(0) / inside)
        return torch.stack(found).nanmean(0)


def distances(region: Tensor) -> Tensor:
    """Of each pixel (N,H,W) to a region (N,H,W) bool; 0 within it, FURTHEST + 1 for all that are further."""
    grown, away = region[:, None].float(), torch.full(region.shape, FURTHEST + 1, device=region.device)
    away[region] = 0
    for step in range(1, FURTHEST + 1):
        wider = F.max_pool2d(grown, 3, 1, 1)
        away[(wider > grown)[:, 0]] = step
        grown = wider
    return away
