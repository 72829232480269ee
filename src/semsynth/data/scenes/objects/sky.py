"""The sky and what hangs in it: sun or moon, clouds."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import DISK, SKY, Canvas
from semsynth.data.scenes.textures import VAPOUR


@dataclass(frozen=True)
class Sky:
    """The whole picture, before anything is painted over it."""

    label: ClassVar[int] = classes.SKY
    depth: ClassVar[float] = 1.0

    def paint(self, canvas: Canvas) -> None:
        """Fill the canvas."""
        canvas.surfaces.fill(canvas.surface((0, 0, 0), kind=SKY))


@dataclass(frozen=True)
class Sun:
    """A shining disk; at night it is the moon, and its craters show."""

    x: float
    y: float
    radius: float

    label: ClassVar[int] = classes.SUN
    depth: ClassVar[float] = 0.1  # it shines through the haze

    @classmethod
    def random(cls, rng: np.random.Generator, aspect: float, horizon: float) -> "Sun":
        """Anywhere in the sky, clear of the horizon."""
        radius = rng.uniform(0.055, 0.085)
        return cls(aspect * rng.uniform(0.08, 0.92), rng.uniform(radius + 0.02, horizon - 1.6 * radius), radius)

    def paint(self, canvas: Canvas) -> None:
        """Draw the disk and three craters, which are as bright as the disk in daylight."""
        r = self.radius
        canvas.ellipse(self.x, self.y, r, r, canvas.surface((1, 1, 1), kind=DISK))
        crater = canvas.surface((0.82, 0.82, 0.84), kind=DISK)
        for dx, dy, size in ((-0.35, -0.25, 0.24), (0.3, 0.1, 0.3), (-0.15, 0.5, 0.18)):
            canvas.ellipse(self.x + dx * r, self.y + dy * r, size * r, size * r, crater)


@dataclass(frozen=True)
class Cloud:
    """A flat-bottomed heap of puffs (n, 3): x, y of the centre and radius."""

    puffs: np.ndarray
    floor: float
    left: float
    right: float

    label: ClassVar[int] = classes.CLOUD
    depth: ClassVar[float] = 0.5

    @classmethod
    def random(cls, rng: np.random.Generator, aspect: float, horizon: float, sun: Sun | None) -> "Cloud":
        """Four to six puffs, the largest in the middle; mostly beside the sun."""
        count = int(rng.integers(4, 7))
        half = rng.uniform(0.11, 0.2)
        for _ in range(3):
            x, floor = aspect * rng.uniform(0.02, 0.98), rng.uniform(0.1, 0.72 * horizon)
            if sun is None or abs(x - sun.x) > half or abs(floor - half / 4 - sun.y) > 0.5 * half + sun.radius:
                break
        place = np.linspace(-1, 1, count)
        radius = half * (0.52 - 0.24 * place**2) * rng.uniform(0.75, 1.1, count)
        return cls(np.stack([x + 0.8 * half * place, floor - 0.5 * radius, radius], 1), floor, x - half, x + half)

    def paint(self, canvas: Canvas) -> None:
        """Draw a shaded underside, then the sunlit tops a little higher."""
        under = canvas.surface((0.74, 0.77, 0.84), mirror=0.15, glow=0.22, texture=VAPOUR, contrast=0.03)
        top = canvas.surface((0.99, 0.99, 1.0), mirror=0.1, glow=0.22, texture=VAPOUR, contrast=0.03)
        puffs = self.puffs.tolist()
        half = (self.right - self.left) / 2
        canvas.ellipse(self.left + half, self.floor - 0.03 * half, half, 0.16 * half, under)
        for x, y, r in puffs:
            canvas.ellipse(x, y, r, 0.72 * r, under)
        for x, y, r in puffs:
            canvas.ellipse(x, y - 0.14 * r, 0.92 * r, 0.56 * r, top)
