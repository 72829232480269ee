"""Masks with smoothed edges, known by values that fill no area."""

from collections.abc import Collection, Set

import numpy as np

AREA = 3  # pixels on each side of the smallest area that a class fills
FEWEST = 10  # values of no area that a careful drawing may have: poles, wires


def of_areas(values: np.ndarray) -> set[int]:
    """The values that fill a square of 3x3 pixels somewhere in (H,W): classes do, blends along edges do not."""
    height, width = (max(0, side - AREA + 1) for side in values.shape)
    first = values[:height, :width]
    same = np.ones(first.shape, bool)
    for row in range(AREA):
        for column in range(AREA):
            same &= values[row:row + height, column:column + width] == first
    return set(np.unique(first[same]).tolist())


def are_smoothed(values: Collection[int], areas: Set[int]) -> bool:
    """Whether most of the values in a set of masks fill no area anywhere, and they are many."""
    without = sum(value not in areas for value in values)
    return without > FEWEST and 2 * without > len(values)
