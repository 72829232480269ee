"""Connected components of a label map, all classes in one pass."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


@dataclass
class Components:
    """The C 8-connected regions of equal label in one map of H x W pixels.

    index (H,W) int: the component of each pixel, in [0,C); area (C,) pixels; centre (2,C) float64: mean row, mean
    column; reach (2,C) float64: the largest |row - mean row| and |column - mean column| within the component.
    """

    index: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    reach: np.ndarray


def _four_connected(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 4-connected regions (H,W), numbered from 0, and their boxes (4,C): top, left, bottom, right.

    Pixels are spread to the even places of a map of twice the size, and a place between two pixels is set where both
    have the same label: regions of different classes then never touch, and one pass over a binary map finds them all.
    """
    height, width = labels.shape
    spread = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    spread[::2, ::2] = 1
    spread[::2, 1::2] = labels[:, 1:] == labels[:, :-1]
    spread[1::2, ::2] = labels[1:] == labels[:-1]
    _, index, stats, _ = cv2.connectedComponentsWithStats(spread, connectivity=4, ltype=cv2.CV_32S)
    left, top, wide, high = stats[1:, :4].T.astype(np.int64)  # row 0 describes the background
    boxes = np.stack([top, left, top + high - 1, left + wide - 1]) // 2  # the extreme places are always pixels
    return np.ascontiguousarray(index[::2, ::2]) - 1, boxes


def _diagonal_merges(labels: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of 4-connected regions of equal label that touch at a corner."""
    falling = (labels[:-1, :-1] == labels[1:, 1:]) & (index[:-1, :-1] != index[1:, 1:])
    rising = (labels[1:, :-1] == labels[:-1, 1:]) & (index[1:, :-1] != index[:-1, 1:])
    first = np.concatenate([index[:-1, :-1][falling], index[1:, :-1][rising]])
    second = np.concatenate([index[1:, 1:][falling], index[:-1, 1:][rising]])
    return first, second


def label_components(labels: np.ndarray) -> Components:
    """Find the 8-connected components of equal label, with their areas, centres and reaches.

    labels (H,W), any integer type -> Components. The cost does not depend on the number of classes.

    Raises:
        ValueError: the map is not of shape (H,W), or is empty.
    """
    if labels.ndim != 2 or labels.size == 0:
        raise ValueError(f"labels must have shape (H,W) with at least one pixel, got {labels.shape}")
    index, boxes = _four_connected(labels)
    first, second = _diagonal_merges(labels, index)
    if len(first):
        regions = boxes.shape[1]
        graph = coo_matrix((np.ones(len(first), np.uint8), (first, second)), shape=(regions, regions))
        count, merged = connected_components(graph, directed=False)
        lower = np.full((2, count), np.iinfo(np.int64).max)
        upper = np.full((2, count), -1)
        for axis in range(2):
            np.minimum.at(lower[axis], merged, boxes[axis])
            np.maximum.at(upper[axis], merged, boxes[2 + axis])
        index = merged.take(index)
    else:
        lower, upper = boxes[:2], boxes[2:]
        count = boxes.shape[1]
    index = index.astype(np.intp)  # the type that bincount and take would make of it each time
    flat = index.ravel()
    area = np.bincount(flat, minlength=count)
    rows, columns = (
        np.broadcast_to(axis, labels.shape).ravel() for axis in np.ogrid[: labels.shape[0], : labels.shape[1]]
    )
    centre = np.stack([np.bincount(flat, weights=axis, minlength=count) / area for axis in (rows, columns)])
    return Components(index, area, centre, np.maximum(centre - lower, upper - centre))
