"""Paintings with smoothed edges, read as label maps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from semsynth.data.colours import unpack_colour
from semsynth.data.masks import pack_colours
from semsynth.errors import DataError, MaskError, UnknownColourError

NEAR = 10  # levels of each channel within which a colour is a class's: what lossy formats add to a flat area
REACH = 2  # pixels around one of another colour in which its class is looked for; brushes smooth over one or two
LIMIT = 0.25  # share of pixels of other colours from which a picture is no painting in the class colours
BLOCK = 2**20  # distances between colours that are held at a time
STEPS = [(down, right) for down in range(-REACH, REACH + 1) for right in range(-REACH, REACH + 1) if down or right]


class Snap:
    """Class indices from a painting.

    A colour close to a class's is that class. A pixel of another colour, where a brush has smoothed an edge, takes the
    nearest colour among the classes beside it: between two classes no third one appears.

    Args:
        names: Class names.
        colours: One colour (red, green, blue; 0..255) for each class.
        enough: (H,W); of a picture with several times as many rows or columns only each second, third, ... is read, so
            that at least twice as many are left. None: all are read.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[Sequence[int]],
                 enough: tuple[int, int] | None = None) -> None:
        self.names, self.table, self.enough = list(names), np.asarray(colours, np.int32), enough
        self.shares: dict[Path, float] = {}  # of the pixels of other colours, by file
        self._close = _close(self.table)

    def read(self, rgb: np.ndarray, path: Path) -> np.ndarray:
        """Class indices (H,W) int32 of a picture (H,W,3) uint8.

        Raises:
            MaskError: a quarter of the pixels or more are of other colours.
        """
        if self.enough is not None:
            down, right = (max(1, side // (2 * least)) for side, least in zip(rgb.shape, self.enough, strict=False))
            rgb = rgb[::down, ::right]
        packed = pack_colours(rgb)
        labels = self._close[packed].astype(np.int32)
        other = labels < 0
        self.shares[path] = float(other.mean())
        if self.shares[path] >= LIMIT:
            found = unpack_colour(int(np.bincount(packed[other]).argmax()))
            nearest = int(self._nearest(np.array([found]))[0])
            reason = (f"{100 * other.mean():.0f}% of the pixels have colours of no class, most of them {found} (the "
                      f"nearest is {self.names[nearest]} with {self.table[nearest].tolist()})")
            raise MaskError(f"{path}: {reason}. That is more than smoothed edges, of which snap=true takes up to "
                            f"{100 * LIMIT:.0f}%: paint in the class colours", reason)
        rows, columns = np.nonzero(other)
        around = np.pad(labels, REACH, constant_values=-1)
        step = max(1, BLOCK // (3 * len(self.table)))
        for start in range(0, len(rows), step):
            row, column = rows[start:start + step], columns[start:start + step]
            labels[row, column] = self._beside(around, row, column, rgb[row, column])
        return labels

    def _beside(self, around: np.ndarray, rows: np.ndarray, columns: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """The class near each of some pixels whose colour is nearest; of all classes where there is none near.

        Args:
            around: Class indices with a border of REACH pixels, -1 for those of other colours.
            rows: (N,) of the pixels.
            columns: (N,) of the pixels.
            colours: (N,3), theirs.
        """
        count = len(self.table)
        best = np.full(len(rows), np.iinfo(np.int64).max)  # distance, then class, in one number
        for down, right in STEPS:
            label = around[rows + REACH + down, columns + REACH + right]
            distance = np.abs(colours - self.table[label]).sum(1)
            np.minimum(best, distance * count + label, out=best, where=label >= 0)
        found, alone = best % count, best == np.iinfo(np.int64).max
        found[alone] = self._nearest(colours[alone])
        return found

    def _nearest(self, colours: np.ndarray) -> np.ndarray:
        """The class whose colour is nearest, of each of a block of colours (N,3)."""
        return np.abs(colours[:, None] - self.table).sum(2).argmin(1)

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


def _close(table: np.ndarray) -> np.ndarray:
    """The class (2^24,) int16 of each packed colour: the nearest of those that it is close to, else -1."""
    close, least = np.full((256, 256, 256), -1, np.int16), np.full((256, 256, 256), 3 * NEAR + 1, np.uint8)
    for index, colour in enumerate(table):
        box = tuple(slice(max(0, level - NEAR), level + NEAR + 1) for level in colour)
        red, green, blue = (np.abs(np.arange(256)[part] - level) for part, level in zip(box, colour, strict=True))
        distance = red[:, None, None] + green[:, None] + blue
        nearer = distance < least[box]
        close[box][nearer], least[box][nearer] = index, distance[nearer]
    return close.ravel()


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.001 else "less than 0.1%"
