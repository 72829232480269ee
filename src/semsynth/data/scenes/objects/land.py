"""What the scene stands on and in front of: mountains, water, grass."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import GROUND, Canvas
from semsynth.data.scenes.textures import GRASS, ROCK, WATER

# outlines of a peak from its summit, in half widths of the foot across and heights down; the right ones cover the left
_LEFT_FLANK = np.array([(0, 0), (-0.3, 0.42), (-0.42, 0.5), (-1, 1), (0.1, 1), (0.1, 0.3)])
_RIGHT_FLANK = np.array([(0, 0), (0.06, 0.3), (-0.05, 0.6), (0.04, 1), (1, 1), (0.5, 0.44), (0.36, 0.38)])
_LEFT_SNOW = np.array([(0, 0), (-0.76, 1), (-0.4, 0.75), (-0.05, 1.15), (0.12, 0.5)])
_RIGHT_SNOW = np.array([(0, 0), (0.12, 0.6), (0.02, 1.1), (0.35, 0.7), (0.7, 0.95)])


@dataclass(frozen=True)
class Mountains:
    """A range of peaks (n, 3): x, y of the summit and half width at the foot, which lies on the horizon."""

    peaks: np.ndarray
    foot: float
    snow: float  # y of the snow line
    colour: tuple[float, float, float]

    label: ClassVar[int] = classes.MOUNTAIN
    depth: ClassVar[float] = 0.95

    @classmethod
    def random(cls, rng: np.random.Generator, aspect: float, horizon: float) -> "Mountains":
        """Overlapping peaks along the whole horizon."""
        count = max(3, round(aspect * rng.uniform(4, 6)))
        x = (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * aspect
        height = rng.uniform(0.07, 0.2, count) * horizon / 0.4
        half = height * rng.uniform(1.0, 1.6, count) + 0.5 * aspect / count
        order = np.argsort(height)[::-1]
        brown = rng.uniform()
        colour = (0.50 + 0.12 * brown, 0.48 + 0.02 * brown, 0.54 - 0.10 * brown)
        snow = horizon - rng.uniform(0.09, 0.14) * horizon / 0.4
        return cls(np.stack([x, horizon - height, half], 1)[order], horizon, snow, colour)

    def paint(self, canvas: Canvas) -> None:
        """Draw each peak with a sunlit and a shaded flank, and snow above the snow line."""
        r, g, b = self.colour
        bright = canvas.surface(self.colour, texture=ROCK, contrast=0.13)
        dark = canvas.surface((0.72 * r, 0.72 * g, 0.76 * b), texture=ROCK, contrast=0.13)
        snow = canvas.surface((0.97, 0.98, 1.0), texture=ROCK, contrast=0.03)
        shade = canvas.surface((0.74, 0.79, 0.90), texture=ROCK, contrast=0.03)
        foot = self.foot + 0.01
        for x, y, half in self.peaks.tolist():
            h = foot - y
            at, size = (x, y), (half, h)
            canvas.polygon(_LEFT_FLANK * size + at, bright)
            canvas.polygon(_RIGHT_FLANK * size + at, dark)
            if y < self.snow:
                share = (self.snow - y) / h  # of the flank that lies under snow
                size = (share * half, share * h)
                canvas.polygon(_LEFT_SNOW * size + at, snow)
                canvas.polygon(_RIGHT_SNOW * size + at, shade)


@dataclass(frozen=True)
class Water:
    """A lake from the horizon downwards; the shore is painted over it."""

    top: float

    label: ClassVar[int] = classes.WATER
    depth: ClassVar[float] = 1.0

    def paint(self, canvas: Canvas) -> None:
        """Fill with rippled water that mirrors the horizon, most where the view is flat."""
        for start, mirror in ((0.0, 0.34), (0.05, 0.22), (0.13, 0.14)):
            band = canvas.surface((0.06, 0.34, 0.68), kind=GROUND, mirror=mirror, texture=WATER, contrast=0.13)
            canvas.rectangle(0, self.top + start, canvas.width / canvas.height, 1, band)


@dataclass(frozen=True)
class Grass:
    """Meadow below an edge (n, 2) of x, y points from left to right."""

    edge: np.ndarray
    near: float  # y from which the blades are dense and dark

    label: ClassVar[int] = classes.GRASS
    depth: ClassVar[float] = 1.0

    @classmethod
    def meadow(cls, aspect: float, top: float) -> "Grass":
        """Grass to the horizon."""
        return cls(np.array([(-0.05, top), (aspect + 0.05, top)]), top)

    @classmethod
    def shore(cls, rng: np.random.Generator, aspect: float, top: float) -> "Grass":
        """Grass below a bent shore line."""
        x = np.linspace(-0.05, aspect + 0.05, max(6, round(6 * aspect)))
        phase, bend, slope = rng.uniform(0, 6.28), rng.uniform(0.01, 0.03), rng.uniform(-0.08, 0.08)
        return cls(np.stack([x, top + bend * np.sin(3.5 * x + phase) + slope * (x / aspect - 0.5)], 1), top)

    def paint(self, canvas: Canvas) -> None:
        """Fill below the edge; the farthest strip is paler and smoother."""
        far = canvas.surface((0.92, 0.96, 0.92), kind=GROUND, leaf=True, texture=GRASS, contrast=0.12)
        near = canvas.surface((1, 1, 1), kind=GROUND, leaf=True, texture=GRASS, contrast=0.24)
        x0, x1 = float(self.edge[0, 0]), float(self.edge[-1, 0])
        for drop, surface in ((0.0, far), (0.05, near)):
            canvas.polygon(np.concatenate([self.edge + np.array((0, drop)), [(x1, 1.1), (x0, 1.1)]]), surface)
