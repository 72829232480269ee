"""Label maps whose classes are told by colour."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semsynth.data.errors import DataError
from semsynth.data.masks import pack_colours


def unpack_colour(packed: int) -> list[int]:
    """Return [red, green, blue] of a packed colour."""
    return [packed >> 16, (packed >> 8) & 255, packed & 255]


class ColourCode:
    """Class indices from colours.

    Args:
        names: Class names, for messages.
        colours: One colour (red, green, blue; 0..255) for each class.

    Raises:
        DataError: two classes have the same colour.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[Sequence[int]]) -> None:
        self.names = list(names)
        packed = pack_colours(np.array(colours, np.int32))
        self._order = np.argsort(packed, kind="stable")
        self._sorted = packed[self._order]
        same = np.flatnonzero(np.diff(self._sorted) == 0)
        if len(same):
            first, second = (self.names[int(self._order[same[0] + step])] for step in (0, 1))
            raise DataError(
                f"the classes {first} and {second} have the same colour {unpack_colour(int(self._sorted[same[0]]))}, "
                "so colours cannot tell them apart: correct classes.yaml, or set dataset.masks=ids"
            )

    def knows(self, rgb: np.ndarray) -> np.ndarray:
        """Tell which colours (...,3) are those of a class -> (...) bool."""
        return np.isin(pack_colours(rgb), self._sorted)

    def decode(self, rgb: np.ndarray, path: Path) -> np.ndarray:
        """Turn a colour-coded mask (H,W,3) uint8 into class indices (H,W) int32.

        Raises:
            DataError: a colour of no class; names the file, the first such pixel, and the nearest class.
        """
        packed = pack_colours(rgb)
        place = np.searchsorted(self._sorted, packed).clip(max=len(self._sorted) - 1)
        wrong = self._sorted[place] != packed
        if wrong.any():
            row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
            colour = rgb[row, column].astype(int)
            known = np.array([unpack_colour(int(value)) for value in self._sorted])
            nearest = int(np.abs(known - colour).sum(1).argmin())
            name = self.names[int(self._order[nearest])]
            share = f"{100 * wrong.mean():{'.0f' if wrong.mean() > 0.1 else '.2g'}}"
            raise DataError(
                f"{path}: unknown colour {colour.tolist()} at row {row}, column {column} "
                f"({share}% of the pixels have colours of no class; the nearest class is {name} with "
                f"{known[nearest].tolist()}): add it to classes.yaml, or save the mask losslessly and unsmoothed"
            )
        return self._order[place].astype(np.int32)
