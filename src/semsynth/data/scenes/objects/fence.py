"""Fences: white pickets with pointed tops, brown boards."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import Canvas
from semsynth.data.scenes.textures import GRAIN


@dataclass(frozen=True)
class Fence:
    """A fence from `left` to `right`, `height` units high, standing on `base`."""

    left: float
    right: float
    base: float
    height: float
    white: bool

    label: ClassVar[int] = classes.FENCE

    @classmethod
    def random(cls, rng: np.random.Generator, aspect: float, base: float, height: float) -> "Fence":
        """A fence of half a unit or more."""
        width = aspect * rng.uniform(0.45, 0.8)
        left = rng.uniform(-0.05, aspect - width + 0.05)
        return cls(left, left + width, base, height, bool(rng.random() < 0.5))

    def paint(self, canvas: Canvas) -> None:
        """Draw the silhouette with its points, then the gaps between the boards and a rail."""
        top, y = self.base - self.height, self.base
        colour = (0.93, 0.92, 0.88) if self.white else (0.56, 0.36, 0.20)
        board = canvas.surface(colour, texture=GRAIN, contrast=0.04 if self.white else 0.09)
        gap = canvas.surface((0.52, 0.50, 0.46) if self.white else (0.30, 0.18, 0.10))
        rail = canvas.surface((0.78, 0.77, 0.73) if self.white else (0.44, 0.27, 0.15))
        count = max(1, round((self.right - self.left) / 0.042))
        pitch = (self.right - self.left) / count
        shoulder = top + (0.016 if self.white else 0.0)
        outline = [(self.left, y)]
        for number in range(count):
            x = self.left + number * pitch
            outline += [(x, shoulder), (x + pitch / 2, top), (x + pitch, shoulder)]
        canvas.polygon([*outline, (self.right, y)], board)
        for number in range(1, count):
            x = self.left + number * pitch
            canvas.rectangle(x - 0.006, shoulder, x + 0.006, y, gap)
        for v in (0.3, 0.72):
            middle = y - v * self.height
            canvas.rectangle(self.left, middle - 0.009, self.right, middle + 0.009, rail)
