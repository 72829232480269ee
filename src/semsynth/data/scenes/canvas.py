"""The drawing surface: one map of surface numbers, and the table that says what each surface is."""

from collections.abc import Sequence

import cv2
import numpy as np

from semsynth.data.scenes.parts import REST
from semsynth.data.scenes.textures import PLAIN

Colour = tuple[float, float, float]  # R, G, B albedo in [0, 1]

UPRIGHT, GROUND, SKY, DISK = range(4)  # how a surface is lit: by its own depth, by its row, as sky, as sun or moon

FIELDS = (
    "red", "green", "blue", "label", "instance", "depth",
    "kind", "glow", "lamp", "leaf", "mirror", "texture", "contrast", "part",
)  # fmt: skip

_SHIFT = 4  # fractional bits of OpenCV's coordinates: geometry is rounded to a sixteenth of a pixel


class Canvas:
    """Draws shapes without anti-aliasing.

    Coordinates are in units of the picture's height: x in [0, W/H] rightwards, y in [0, 1] downwards.

    Args:
        height: rows of the map.
        width: columns of the map.

    Attributes:
        surfaces: (height, width) uint16, index into `table` of what each pixel shows.
        table: one row of `FIELDS` per surface.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.surfaces = np.zeros((height, width), dtype=np.uint16)
        self.table: list[tuple[float, ...]] = []
        self._fixed = float(height << _SHIFT)
        self._half = 0.5 * (1 << _SHIFT)  # OpenCV's pixel centres lie at integers, ours at halves
        self._label, self._instance, self._depth = 0, 0, 0.0

    def begin(self, label: int, instance: int, depth: float) -> None:
        """Start an object: the surfaces that follow carry its label, instance id and depth."""
        self._label, self._instance, self._depth = label, instance, depth

    def surface(
        self,
        colour: Colour,
        *,
        kind: int = UPRIGHT,
        glow: float = 0.0,  # share of the albedo that shines without light
        lamp: float = 0.0,  # share of lamp light once lamps are lit
        leaf: bool = False,  # the colour multiplies the colour of vegetation
        mirror: float = 0.0,  # share of the horizon's colour
        texture: int = PLAIN,
        contrast: float = 0.0,  # relative deviation of the texture
        part: int = REST,  # of the object, see `parts`
    ) -> int:
        """Add a surface of the current object; returns its number, for the drawing methods."""
        row = (*colour, self._label, self._instance, self._depth, kind, glow, lamp, leaf, mirror, texture, contrast,
               part)
        self.table.append(row)
        return len(self.table) - 1

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, surface: int) -> None:
        """Fill from (x0, y0) to (x1, y1), rounded to pixels."""
        h = self.height
        top, left = max(round(y0 * h), 0), max(round(x0 * h), 0)
        self.surfaces[top : max(round(y1 * h), 0), left : max(round(x1 * h), 0)] = surface

    def polygon(self, points: Sequence[tuple[float, float]] | np.ndarray, surface: int) -> None:
        """Fill a polygon of (x, y) corners."""
        corners = np.rint(np.asarray(points) * self._fixed - self._half).astype(np.int32)
        cv2.fillPoly(self.surfaces, [corners], surface, cv2.LINE_8, _SHIFT)

    def ellipse(self, x: float, y: float, rx: float, ry: float, surface: int) -> None:
        """Fill an ellipse with its centre at (x, y) and half axes rx, ry."""
        f, half = self._fixed, self._half
        # half a pixel less: OpenCV also fills the pixels that the outline touches
        axes = (max(round(rx * f - half), 0), max(round(ry * f - half), 0))
        centre = (round(x * f - half), round(y * f - half))
        cv2.ellipse(self.surfaces, centre, axes, 0, 0, 360, surface, -1, cv2.LINE_8, _SHIFT)
