"""Intra-class positional offsets: where a pixel lies in its own region (CLADE-ICPE, arXiv:2012.04644, Eq. 12-14)."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from semsynth.semantics.components import Components, label_components

EPSILON = 1e-5  # added to the largest offset, so that a region of one pixel has offset 0


def _largest_per_class(parts: Components) -> Components:
    """Give every component the centre and reach of the largest of its class, the first of equals."""
    count = len(parts.area)
    ranks = parts.area * count + np.arange(count)[::-1]  # by area, then by number
    _, classes = np.unique(parts.label, return_inverse=True)
    best = np.zeros(classes.max() + 1, np.int64)
    np.maximum.at(best, classes, ranks)
    largest = (count - 1 - best % count)[classes]
    return replace(parts, centre=parts.centre[:, largest], reach=parts.reach[:, largest])


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
        parts = _largest_per_class(parts)
    scale = 1 / (parts.reach + EPSILON)
    if skip_label is not None:
        scale[:, parts.label == skip_label] = 0
    centre, scale = parts.centre.take(parts.region, axis=1), scale.take(parts.region, axis=1)  # of each run
    offsets = np.empty((2, *parts.shape), np.float32)
    offsets[0] = parts.paint(((parts.row - centre[0]) * scale[0]).astype(np.float32))
    across = parts.paint(centre[1])  # in place from here on: the time goes into memory
    np.subtract(np.arange(parts.shape[1]), across, out=across)
    across *= parts.paint(scale[1])
    offsets[1] = across
    if components == "largest":
        np.clip(offsets, -1, 1, out=offsets)
    return offsets


def resize_floor(offsets: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize offsets (2,h,w) to (2,H,W), taking row floor(i * h / H) and column floor(j * w / W).

    This is torch's nearest, by which the released code resizes offsets. PIL's nearest, by which it resizes label maps,
    takes floor((i + 1/2) * h / H).
    """
    return F.interpolate(torch.from_numpy(offsets)[None], size, mode="nearest")[0].numpy()


@dataclass(frozen=True)
class Offsets:
    """How a data set makes its offsets, and how the network that reads them starts.

    Three choices have names: `icpe=default` (ours), `icpe=paper` and `icpe=released`.

    Args:
        enabled: Whether batches hold offsets at all.
        components: See `icpe_offsets`.
        skip_label: See `icpe_offsets`.
        published: Reproduce the released code: offsets of every component at the original size of the label map, then
            resized by `resize_floor`; label 0 skipped; a flip that turns the map upside down and keeps the signs.
            `components` and `skip_label` do not apply then.
        zero_start: Read by the norm of CLADE-ICPE: whether its convolutions of the offsets start at zero, as its
            authors mean, so that it starts as CLADE; the initialisation of the released code writes over the zeros.
    """

    enabled: bool = False
    components: Literal["every", "largest"] = "every"
    skip_label: int | None = None
    published: bool = False
    zero_start: bool = True

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


@dataclass(frozen=True)
class MergedOffsets:
    """Offsets of label maps whose classes are merged before they are measured.

    Args:
        offsets: How they are made.
        table: For every label (K,) the class that it counts as.
    """

    offsets: Offsets
    table: np.ndarray

    @property
    def enabled(self) -> bool:
        """Whether there are any."""
        return self.offsets.enabled

    @property
    def published(self) -> bool:
        """See `Offsets`."""
        return self.offsets.published

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """Return the offsets (2,H,W) float32 of a label map (H,W)."""
        return self.offsets(self.table[labels])


def at_size(make: Offsets | MergedOffsets, original: np.ndarray, resized: np.ndarray) -> np.ndarray:
    """Offsets (2,H,W) of a label map resized to (H,W): measured on it or, where published, on the original."""
    return resize_floor(make(original), (resized.shape[0], resized.shape[1])) if make.published else make(resized)
