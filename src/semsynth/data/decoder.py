"""Masks of one's own: class indices from ids, palettes or colours."""

from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from semsynth.data.classes import ClassTable
from semsynth.data.colours import ColourCode
from semsynth.data.masks import DONT_CARE, Mask, grey_ids, is_grey, read_mask
from semsynth.errors import DataError, MaskError


class MaskDecoder:
    """Class indices from a mask file.

    Args:
        classes: Names, colours and file ids of the classes.
        masks: `ids` reads grey values and palette indices, `colours` reads colours.
    """

    def __init__(self, classes: ClassTable, masks: Literal["ids", "colours"]) -> None:
        self.classes, self.masks = classes, masks

    @cached_property
    def colour_code(self) -> ColourCode:
        """The class of each colour."""
        return ColourCode(self.classes.names, self.classes.colours)

    def read(self, path: Path, data: bytes | None = None) -> np.ndarray:
        """Read a mask -> class indices (H,W); a 255 that is no class's id stays. For `data` see `read_mask`.

        Raises:
            DataError: the file is broken.
            MaskError: it holds an unknown colour or id.
        """
        mask = read_mask(path, data)
        if self.masks == "colours":
            return self.colour_code.decode(self._shown(mask, path), path)
        if mask.pixels.ndim == 3 and not is_grey(mask.pixels):
            raise DataError(f"{path}: holds colours, but ids tell the classes in this data set (dataset.masks=ids): "
                            "bring all masks to one kind")
        return self._indices(grey_ids(mask.pixels, path), path)

    def _shown(self, mask: Mask, path: Path) -> np.ndarray:
        """The colours (H,W,3) of a mask as a viewer shows it; grey values only where they are colours of classes."""
        if mask.colours is not None:
            return mask.colours[mask.pixels] if mask.pixels.ndim == 2 else mask.pixels
        shown = np.repeat(mask.pixels[:, :, None], 3, axis=2)
        if mask.pixels.min() < 0 or mask.pixels.max() > 255 or not (self.colour_code.find(shown) >= 0).all():
            raise MaskError(f"{path}: a grey mask, but dataset.masks=colours, and not all of its grey values are "
                            "colours of classes: set dataset.masks=ids if they are ids",
                            "a grey mask, and not all of its grey values are colours of classes")
        return shown

    @cached_property
    def _index_of(self) -> np.ndarray:
        """The class of each id, -1 where there is none; up to LARGEST, 64 MB."""
        table = self.classes.ids
        index_of = np.full(max(*table, DONT_CARE) + 2, -1, np.int32)
        index_of[DONT_CARE] = DONT_CARE
        index_of[table] = np.arange(len(table))
        return index_of

    def _indices(self, ids: np.ndarray, path: Path) -> np.ndarray:
        """Turn the ids that classes.yaml states into class indices."""
        table = self.classes.ids
        if table == list(range(len(table))):
            return ids
        last = len(self._index_of) - 1  # stands for whatever lies beyond; negative ids would count from the end
        indices = self._index_of[np.where((ids < 0) | (ids > last), last, ids)]
        wrong = indices < 0
        if wrong.any():
            row, column = np.unravel_index(int(wrong.argmax()), ids.shape)
            reason = (f"label id {int(ids[row, column])} at row {row}, column {column} is no class's id: allowed are "
                      f"{_some(sorted(table))}")
            raise MaskError(f"{path}: {reason}. Correct the mask, or its id in classes.yaml", reason)
        return indices


def _some(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:40]))
    return shown if len(ids) <= 40 else f"{shown} and {len(ids) - 40} more"
