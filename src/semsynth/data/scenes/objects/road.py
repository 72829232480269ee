"""Roads: a street that crosses the picture, a lane that recedes to the horizon."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import GROUND, Canvas
from semsynth.data.scenes.textures import GRAIN

_ASPHALT = (0.36, 0.36, 0.38)
_PAINT = (0.92, 0.91, 0.80)
_KERB = (0.66, 0.64, 0.61)


@dataclass(frozen=True)
class Street:
    """A band across the picture from y `top` to `bottom`, with kerbs and a dashed middle line."""

    top: float
    bottom: float
    phase: float  # of the dashes, in [0, 1]

    label: ClassVar[int] = classes.ROAD
    depth: ClassVar[float] = 1.0

    def paint(self, canvas: Canvas) -> None:
        """Draw kerbs, asphalt, dashes."""
        kerb = canvas.surface(_KERB, kind=GROUND, texture=GRAIN, contrast=0.05)
        asphalt = canvas.surface(_ASPHALT, kind=GROUND, texture=GRAIN, contrast=0.06)
        paint = canvas.surface(_PAINT, kind=GROUND, texture=GRAIN, contrast=0.04)
        aspect = canvas.width / canvas.height
        canvas.rectangle(0, self.top, aspect, self.bottom, kerb)
        canvas.rectangle(0, self.top + 0.016, aspect, self.bottom - 0.016, asphalt)
        middle = self.top + 0.47 * (self.bottom - self.top)
        x = (self.phase - 1) * 0.17
        while x < aspect:
            canvas.rectangle(x, middle - 0.008, x + 0.09, middle + 0.011, paint)
            x += 0.17


@dataclass(frozen=True)
class Lane:
    """A straight road from `left`..`right` on the lower edge of the picture to the vanishing point (x, y)."""

    x: float
    y: float
    left: float
    right: float

    label: ClassVar[int] = classes.ROAD
    depth: ClassVar[float] = 1.0

    @classmethod
    def random(cls, rng: np.random.Generator, aspect: float, horizon: float) -> "Lane":
        """A road of about 0.7 units at the viewer's feet."""
        middle, half = aspect * rng.uniform(0.3, 0.7), rng.uniform(0.33, 0.42)
        x = float(np.clip(middle + rng.uniform(-0.18, 0.18), 0.1, aspect - 0.1))
        return cls(x, horizon, middle - half, middle + half)

    def at(self, share: float, y: float) -> float:
        """The x at `share` (0 left edge, 1 right edge) of the width of the road on row `y`."""
        near = (y - self.y) / (1 - self.y)
        return self.x + (self.left + share * (self.right - self.left) - self.x) * near

    def quad(self, share0: float, share1: float, y0: float, y1: float) -> list[tuple[float, float]]:
        """Corners of a piece of the road."""
        return [(self.at(share, y), y) for share, y in ((share0, y0), (share1, y0), (share1, y1), (share0, y1))]

    def paint(self, canvas: Canvas) -> None:
        """Draw asphalt, edge lines, and dashes that shorten with distance."""
        asphalt = canvas.surface(_ASPHALT, kind=GROUND, texture=GRAIN, contrast=0.06)
        paint = canvas.surface(_PAINT, kind=GROUND, texture=GRAIN, contrast=0.04)
        top = self.y + 0.004
        canvas.polygon(self.quad(0, 1, top, 1.05), asphalt)
        for share in (0.03, 0.95):
            canvas.polygon(self.quad(share, share + 0.02, top, 1.05), paint)
        depth = 1 - self.y
        for far, near in ((0.05, 0.075), (0.11, 0.16), (0.23, 0.34), (0.48, 0.70), (0.96, 1.2)):
            canvas.polygon(self.quad(0.482, 0.518, self.y + far * depth, self.y + near * depth), paint)
