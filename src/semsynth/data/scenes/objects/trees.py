"""Trees: round crowns and firs."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import Canvas
from semsynth.data.scenes.textures import GRAIN, LEAVES

_BARK = (0.42, 0.28, 0.17)


def _trunk(canvas: Canvas, x: float, base: float, top: float, half: float) -> None:
    bark = canvas.surface(_BARK, texture=GRAIN, contrast=0.1)
    shadow = canvas.surface((0.30, 0.20, 0.12), texture=GRAIN, contrast=0.1)
    canvas.polygon([(x - 1.4 * half, base), (x - half, top), (x + half, top), (x + 1.4 * half, base)], bark)
    canvas.polygon([(x + 0.3 * half, base), (x + 0.3 * half, top), (x + half, top), (x + 1.4 * half, base)], shadow)


@dataclass(frozen=True)
class RoundTree:
    """A trunk under a crown of puffs (n, 3): x, y, radius relative to the crown's centre and half width."""

    x: float
    base: float
    height: float
    tone: float  # of its leaves, about 1
    puffs: np.ndarray

    label: ClassVar[int] = classes.TREE

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, height: float) -> "RoundTree":
        """A tree of `height` units on (x, base)."""
        count = int(rng.integers(5, 8))
        angle = np.arange(count) / count * 2 * np.pi + rng.uniform(0, 6.28)
        away = rng.uniform(0.4, 0.56, count)
        puffs = np.stack([away * np.cos(angle), 0.85 * away * np.sin(angle), rng.uniform(0.42, 0.54, count)], 1)
        return cls(x, base, height, rng.uniform(0.62, 0.88), puffs)

    def paint(self, canvas: Canvas) -> None:
        """Draw the trunk, then the crown in three tones from its shaded underside to the sunlit top."""
        x, h, t = self.x, self.height, self.tone
        r = 0.36 * h
        y = self.base - 0.64 * h
        _trunk(canvas, x, self.base, y, 0.045 * h)
        tones = ((0.9 * s, s, 0.9 * s) for s in (0.56 * t, 0.78 * t, 1.06 * t))
        under, crown, top = (canvas.surface(tone, leaf=True, texture=LEAVES, contrast=0.2) for tone in tones)
        puffs = [(x + r * dx, y + r * dy, r * size) for dx, dy, size in self.puffs.tolist()]
        for px, py, pr in puffs:
            canvas.ellipse(px, py, pr, pr, under)
        canvas.ellipse(x - 0.06 * r, y - 0.1 * r, 0.78 * r, 0.74 * r, crown)
        for px, py, pr in puffs:
            canvas.ellipse(px - 0.1 * pr, py - 0.16 * pr, 0.8 * pr, 0.76 * pr, crown)
        for px, py, pr in puffs:
            if py < y + 0.1 * r:
                canvas.ellipse(px - 0.26 * pr, py - 0.34 * pr, 0.5 * pr, 0.42 * pr, top)


@dataclass(frozen=True)
class Fir:
    """A fir of `tiers` layered triangles."""

    x: float
    base: float
    height: float
    tone: float
    tiers: int

    label: ClassVar[int] = classes.TREE

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, height: float) -> "Fir":
        """A fir of `height` units on (x, base)."""
        return cls(x, base, height, rng.uniform(0.5, 0.7), int(rng.integers(3, 5)))

    def paint(self, canvas: Canvas) -> None:
        """Draw the trunk, then the tiers from the lowest up, each with its right half and its lower edge in shade."""
        x, h, t = self.x, self.height, self.tone
        foot, top = self.base - 0.13 * h, self.base - h
        _trunk(canvas, x, self.base, foot - 0.05 * h, 0.035 * h)
        light, dark = (canvas.surface((0.8 * s, s, s), leaf=True, texture=LEAVES, contrast=0.2) for s in (t, 0.62 * t))
        step = (foot - top) / (self.tiers + 0.6)
        for tier in range(self.tiers):
            low = foot - tier * step
            half = 0.27 * h * (1 - 0.72 * tier / self.tiers)
            tip = max(low - 1.75 * step, top)
            corner, middle, rim = (-half, low), (-0.5 * half, low - 0.05 * step), (0.0, low + 0.06 * step)
            canvas.polygon([(x, tip), *((x + u, v) for u, v in (corner, middle, rim))], light)
            canvas.polygon([(x, tip), *((x - u, v) for u, v in (corner, middle, rim))], dark)
            fold = (-0.62 * half, low - 0.2 * step)
            canvas.polygon([(x + u, v) for u, v in (corner, middle, rim, fold)], dark)
