"""Paintings with smoothed edges, read as label maps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from semsynth.errors import DataError, UnknownColourError

NEAR = 10  # levels of each channel within which a colour is a class's: what lossy formats add to a flat area
REACH = 2  # pixels around one of another colour in which its class is looked for; brushes smooth over one or two
LIMIT = 0.25  # share of pixels of other colours from which a picture is no painting in the class colours


class Snap:
    """Class indices from a painting.

    A colour close to a class's is that class. A pixel of another colour, where a brush has smoothed an edge, takes the
    nearest colour among the classes beside it: between two classes no third one appears.

    Args:
        names: Class names.
        colours: One colour (red, green, blue; 0..255) for each class.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[Sequence[int]]) -> None:
        self.names, self.table = list(names), np.asarray(colours, np.int32)
        self.shares: dict[Path, float] = {}  # of the pixels of other colours, by file

    def read(self, rgb: np.ndarray, path: Path) -> np.ndarray:
        """Class indices (H,W) int32 of a picture (H,W,3) uint8.

        Raises:
            DataError: a quarter of the pixels or more are of other colours.
        """
        found, places = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True)
        distances = np.abs(found[:, None].astype(np.int32) - self.table)  # (colours of the picture, classes, 3)
        nearest = distances.sum(2).argmin(1)
        close = distances[np.arange(len(found)), nearest].max(1) <= NEAR
        places = places.reshape(rgb.shape[:2])
        labels, other = nearest[places].astype(np.int32), ~close[places]
        self.shares[path] = float(other.mean())
        if self.shares[path] >= LIMIT:
            most = int(np.bincount(places[other]).argmax())
            raise DataError(
                f"{path}: {100 * other.mean():.0f}% of the pixels have colours of no class, most of them "
                f"{found[most].tolist()} (the nearest is {self.names[nearest[most]]} with "
                f"{self.table[nearest[most]].tolist()}). That is more than smoothed edges, of which snap=true takes "
                f"up to {100 * LIMIT:.0f}%: paint in the class colours")
        if other.any():
            labels[other] = self._beside(labels, other, rgb)[other]
        return labels

    def _beside(self, labels: np.ndarray, other: np.ndarray, rgb: np.ndarray) -> np.ndarray:
        """For each pixel the class near it whose colour is nearest; `labels` where there is none."""
        best, least = labels.copy(), np.full(labels.shape, np.inf)
        for index in np.unique(labels[~other]):
            there = torch.from_numpy((labels == index) & ~other).float()[None, None]
            beside = F.max_pool2d(there, 2 * REACH + 1, 1, REACH)[0, 0].numpy() > 0
            distance = np.where(beside, np.abs(rgb.astype(np.int32) - self.table[index]).sum(2), np.inf)
            nearer = distance < least
            best[nearer], least[nearer] = index, distance[nearer]
        return best

    def lines(self) -> list[str]:
        """A line for each file that had pixels of other colours."""
        return [f"{path}: {_percent(share)} of the pixels had colours of no class and were given that of a class beside"
                f" them" for path, share in sorted(self.shares.items()) if share]


@contextmanager
def offered() -> Iterator[None]:
    """Name `snap=true` to whoever gives a map with other colours than the classes'."""
    try:
        yield
    except UnknownColourError as error:
        raise DataError(f"{error}; of a painting in the run's class colours, snap=true takes smoothed edges") from error


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.001 else "less than 0.1%"
