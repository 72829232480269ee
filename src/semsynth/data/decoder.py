"""Masks of one's own: class indices from ids, palettes or colours."""

from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from semsynth.data.classes import ClassTable
from semsynth.data.colours import ColourCode
from semsynth.data.errors import DataError
from semsynth.data.masks import DONT_CARE, Mask, grey_ids, is_grey, read_mask

Masks = Literal["auto", "ids", "colours"]


class MaskDecoder:
    """Class indices from a mask file.

    Args:
        classes: Names, colours and file ids of the classes.
        masks: `ids` reads grey values and palette indices, `colours` reads colours; `auto` reads colours from RGB
            masks, and from palette masks all of whose colours are those of classes, else ids.
    """

    def __init__(self, classes: ClassTable, masks: Masks = "auto") -> None:
        self.classes, self.masks = classes, masks

    @cached_property
    def colour_code(self) -> ColourCode:
        """The class of each colour."""
        return ColourCode(self.classes.names, self.classes.colours)

    def read(self, path: Path) -> np.ndarray:
        """Read a mask -> class indices (H,W); a 255 that is no class's id stays.

        Raises:
            DataError: the file is broken, or holds an unknown colour or id.
        """
        mask = read_mask(path)
        if self._by_colour(mask):
            if mask.colours is None:
                raise DataError(f"{path}: a grey mask, but dataset.masks=colours: set dataset.masks=ids or auto")
            return self.colour_code.decode(mask.colours[mask.pixels] if mask.pixels.ndim == 2 else mask.pixels, path)
        return self._indices(grey_ids(mask.pixels, path), path)

    def _by_colour(self, mask: Mask) -> bool:
        """Decide whether colours or ids tell the classes of this mask."""
        if self.masks != "auto" or mask.colours is None:
            return self.masks == "colours"
        if mask.pixels.ndim == 2:
            return bool(self.colour_code.knows(mask.colours[np.unique(mask.pixels)]).all())
        return not is_grey(mask.pixels) or bool(self.colour_code.knows(mask.pixels).all())

    def _indices(self, ids: np.ndarray, path: Path) -> np.ndarray:
        """Turn the ids that classes.yaml states into class indices."""
        table = self.classes.ids
        if table == list(range(len(table))):
            return ids
        index_of = np.full(max(*table, int(ids.max()), DONT_CARE) + 1, -1, np.int32)
        index_of[DONT_CARE] = DONT_CARE
        index_of[table] = np.arange(len(table))
        indices = index_of[ids]
        wrong = indices < 0
        if wrong.any():
            row, column = np.unravel_index(int(wrong.argmax()), ids.shape)
            raise DataError(
                f"{path}: label id {int(ids[row, column])} at row {row}, column {column} is no class's id: allowed are "
                f"{', '.join(map(str, sorted(table)))}. Correct the mask, or its id in classes.yaml"
            )
        return indices
