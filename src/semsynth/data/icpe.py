"""Intra-class positional offsets: where a pixel lies in its own region (CLADE-ICPE, arXiv:2012.04644, Eq. 12-14)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semsynth.data.components import Components, label_components

EPSILON = 1e-5  # added to the largest offset, so that a region of one pixel has offset 0


def _largest_per_class(labels: np.ndarray, parts: Components) -> Components:
    """Give every pixel of a class the centre and reach of that class's largest component."""
    _, classes = np.unique(labels, return_inverse=True)
    classes = classes.reshape(labels.shape)
    class_of = np.empty(len(parts.area), np.int64)
    class_of[parts.index] = classes
    order = np.argsort(
        parts.area[::-1], kind="stable"
    )  # ascending, so that the largest is written last; first of equals
    order = len(parts.area) - 1 - order
    largest = np.empty(classes.max() + 1, np.int64)
    largest[class_of[order]] = order
    return Components(classes, parts.area[largest], parts.centre[:, largest], parts.reach[:, largest])


def icpe_offsets(
    labels: np.ndarray,
    *,
    components: Literal["every", "largest"] = "every",
    skip_label: int | None = None,
) -> np.ndarray:
    """Offset of each pixel from the centre of its region, over the region's largest offset.

    labels (H,W) int -> (2,H,W) float32 in [-1,1]; channel 0 vertical (down is positive), channel 1 horizontal (right is
    positive). The centre is the mean position; each axis is divided by max |offset| + 1e-5 over the region.

    Args:
        labels: One label map, already resized to the size at which it is used.
        components: `every` measures each 8-connected region of a class on its own, as the released code does;
            `largest` measures all pixels of a class from its largest region, as the paper words it, clipped to [-1,1].
        skip_label: A label whose pixels get offset 0; the released code skips label 0.

    Raises:
        ValueError: unknown `components`, or a map that is not of shape (H,W).
    """
    if components not in ("every", "largest"):
        raise ValueError(f"components must be 'every' or 'largest', got {components!r}")
    parts = label_components(labels)
    if components == "largest":
        parts = _largest_per_class(labels, parts)
    height, width = labels.shape
    scale = 1 / (parts.reach + EPSILON)
    offsets = np.empty((2, height, width), np.float32)
    for axis, position in enumerate(np.ogrid[:height, :width]):
        offsets[axis] = (position - parts.centre[axis].take(parts.index)) * scale[axis].take(parts.index)
    if components == "largest":
        np.clip(offsets, -1, 1, out=offsets)
    if skip_label is not None:
        offsets[:, labels == skip_label] = 0
    return offsets


@dataclass(frozen=True)
class Offsets:
    """How a data set makes its offsets.

    Args:
        enabled: Whether batches hold offsets at all.
        components: See `icpe_offsets`.
        skip_label: See `icpe_offsets`.
        published: Reproduce the released code: offsets of every component at the original size of the label map, then
            nearest-resized; label 0 skipped; a flip that turns the map upside down and keeps the signs. `components`
            and `skip_label` do not apply then.
    """

    enabled: bool = False
    components: Literal["every", "largest"] = "every"
    skip_label: int | None = None
    published: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.enabled, bool):
            raise ValueError(f"icpe.enabled must be true or false where a data set is built, got {self.enabled!r}")
        if self.components not in ("every", "largest"):
            raise ValueError(f"icpe.components must be 'every' or 'largest', got {self.components!r}")

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """Return the offsets (2,H,W) float32 of a label map (H,W)."""
        if self.published:
            return icpe_offsets(labels, components="every", skip_label=0)
        return icpe_offsets(labels, components=self.components, skip_label=self.skip_label)
