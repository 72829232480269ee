"""Connected components of a label map, all classes in one pass over its horizontal runs."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components


@dataclass
class Components:
    """The C 8-connected regions of equal label in one map of H x W pixels, and the R runs that they consist of.

    A run is a longest stretch of equal labels within a row. Runs are numbered in reading order; row (R,) int and column
    (R,) int: its first pixel; length (R,) int pixels; region (R,) int: its component, in [0,C). Components are numbered
    in the order of their first runs; label (C,): of the type of the map; area (C,) pixels; centre (2,C) float64: mean
    row, mean column; reach (2,C) float64: the largest |row - mean row| and |column - mean column| within the component.
    """

    row: np.ndarray
    column: np.ndarray
    length: np.ndarray
    region: np.ndarray
    label: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    reach: np.ndarray
    shape: tuple[int, int]

    def paint(self, values: np.ndarray) -> np.ndarray:
        """Give the pixels of each run its value: (R,) -> (H,W)."""
        return values.repeat(self.length).reshape(self.shape)

    @property
    def index(self) -> np.ndarray:
        """The component of each pixel, (H,W) int in [0,C)."""
        return self.paint(self.region)


def _connect(row: np.ndarray, column: np.ndarray, length: np.ndarray, label: np.ndarray, width: int) -> np.ndarray:
    """Return the component (R,) of each run: runs of equal label that touch, corners included, are in the same one.

    The runs that touch a run from above have consecutive numbers; those of another label are struck from the graph.
    """
    runs = len(row)
    number = np.arange(runs, dtype=np.int32).repeat(length).reshape(-1, width)
    first = number[row - 1, np.maximum(column - 1, 0)]
    count = number[row - 1, np.minimum(column + length, width - 1)] + 1 - first
    count[row == 0] = 0
    pointers = np.concatenate([[0], np.cumsum(count)], dtype=np.int32)
    above = np.arange(pointers[-1], dtype=np.int32) - np.repeat(pointers[:-1] - first, count)
    equal = label.repeat(count) == label.take(above)
    touching = csr_array((equal.astype(float), above, pointers), shape=(runs, runs))  # the types that SciPy works in
    touching.eliminate_zeros()
    return connected_components(touching, directed=False)[1].astype(np.intp)


def label_components(labels: np.ndarray) -> Components:
    """Find the 8-connected components of equal label, with their areas, centres and reaches.

    labels (H,W), any integer type -> Components. The cost does not depend on the number of classes.

    Raises:
        ValueError: the map is not of shape (H,W), or is empty.
    """
    if labels.ndim != 2 or labels.size == 0:
        raise ValueError(f"labels must have shape (H,W) with at least one pixel, got {labels.shape}")
    starts = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=starts[:, 1:])
    begin = np.flatnonzero(starts)
    row, column = np.divmod(begin, labels.shape[1])  # together in a fraction of the time of np.nonzero
    length = np.diff(begin, append=labels.size)
    own = labels[row, column]
    region = _connect(row, column, length, own, labels.shape[1])

    count = region.max() + 1
    label = np.empty(count, labels.dtype)
    label[region] = own
    area = np.bincount(region, length).astype(np.int64)
    last = column + length - 1
    centre = np.stack([np.bincount(region, length * middle) for middle in (row, (column + last) / 2)]) / area
    lower, upper = np.full((2, count), labels.size), np.zeros((2, count), np.int64)
    for axis, (low, high) in enumerate(((row, row), (column, last))):
        np.minimum.at(lower[axis], region, low)
        np.maximum.at(upper[axis], region, high)
    reach = np.maximum(centre - lower, upper - centre)
    return Components(row, column, length, region, label, area, centre, reach, labels.shape)
