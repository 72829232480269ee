"""Label maps whose classes are told by colour."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semsynth.data.masks import pack_colours
from semsynth.digits import rounded
from semsynth.errors import MaskError, UnknownColourError


def unpack_colour(packed: int) -> list[int]:
    """Return [red, green, blue] of a packed colour."""
    return [packed >> 16, (packed >> 8) & 255, packed & 255]


class ColourCode:
    """Class indices from colours.

    Args:
        names: Class names, for messages.
        colours: One colour (red, green, blue; 0..255) for each class.
        first: A colour that several classes share is the first of them; otherwise it is refused where it occurs.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[Sequence[int]], first: bool = False) -> None:
        self.names, self.first = list(names), first
        packed = pack_colours(np.array(colours, np.int32))
        self._order = np.argsort(packed, kind="stable")
        self._sorted = packed[self._order]
        self._shared = self._sorted[:-1][np.diff(self._sorted) == 0]

    def find(self, rgb: np.ndarray) -> np.ndarray:
        """Return the class indices (...) of colours (...,3), -1 for those of no class."""
        packed = pack_colours(rgb)
        place = np.searchsorted(self._sorted, packed).clip(max=len(self._sorted) - 1)
        return np.where(self._sorted[place] == packed, self._order[place], -1)

    def shared(self, rgb: np.ndarray) -> np.ndarray:
        """Tell which colours (...,3) several classes have -> (...) bool."""
        return np.isin(pack_colours(rgb), self._shared)

    def decode(self, rgb: np.ndarray, path: Path) -> np.ndarray:
        """Turn a colour-coded mask (H,W,3) uint8 into class indices (H,W) int32.

        Raises:
            UnknownColourError: a colour of no class; names the file, the first such pixel, and the nearest class.
            MaskError: a colour of several classes.
        """
        indices = self.find(rgb)
        wrong = indices < 0
        if wrong.any():
            row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
            colour = rgb[row, column].astype(int)
            known = np.array([unpack_colour(int(value)) for value in self._sorted])
            nearest = int(np.abs(known - colour).sum(1).argmin())
            name = self.names[int(self._order[nearest])]
            reason = (f"unknown colour {colour.tolist()} at row {row}, column {column} "
                      f"({rounded(100 * wrong.mean(), 2)} % of the pixels have colours of no class; the nearest class "
                      f"is {name} with {known[nearest].tolist()})")
            raise UnknownColourError(f"{path}: {reason}: add it to classes.yaml, or save the mask losslessly and "
                                     "unsmoothed", reason)
        ambiguous = self.shared(rgb)
        if ambiguous.any() and not self.first:
            row, column = np.unravel_index(int(ambiguous.argmax()), ambiguous.shape)
            start = int(np.searchsorted(self._sorted, pack_colours(rgb[row, column])))
            first, second = (self.names[int(self._order[start + step])] for step in (0, 1))
            reason = (f"the classes {first} and {second} have the same colour {rgb[row, column].tolist()}, which "
                      f"occurs at row {row}, column {column}, so colours cannot tell them apart")
            raise MaskError(f"{path}: {reason}: correct classes.yaml, or set dataset.masks=ids", reason)
        return indices.astype(np.int32)
