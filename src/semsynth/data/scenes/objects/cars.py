"""Cars: from the side on a street, from behind or in front on a lane."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import Canvas, Colour
from semsynth.data.scenes.parts import PANE, WHEEL

PAINTS: tuple[Colour, ...] = (
    (0.86, 0.10, 0.10), (0.10, 0.26, 0.76), (0.94, 0.76, 0.08),
    (0.90, 0.90, 0.90), (0.12, 0.12, 0.14), (0.06, 0.54, 0.30),
    (0.94, 0.46, 0.08), (0.42, 0.68, 0.88),
)  # fmt: skip
_GLASS: Colour = (0.52, 0.66, 0.74)
_TYRE: Colour = (0.06, 0.06, 0.07)
_RIM: Colour = (0.78, 0.78, 0.80)
_CHROME: Colour = (0.72, 0.72, 0.74)
_FRONT: Colour = (0.98, 0.94, 0.70)
_REAR: Colour = (0.80, 0.06, 0.06)

# outlines in the car's own box: u from the rear (0) to the front (1), v from the ground (0) to the roof (1)
_BODY = np.array([(0, 0.2), (0, 0.52), (0.03, 0.6), (0.17, 0.64), (0.72, 0.62), (0.95, 0.54), (1, 0.44), (1, 0.2)])
_CABIN = np.array([(0.13, 0.61), (0.27, 0.96), (0.32, 1), (0.57, 1), (0.62, 0.96), (0.77, 0.61)])
_REAR_WINDOW = np.array([(0.20, 0.64), (0.305, 0.91), (0.43, 0.91), (0.43, 0.64)])
_FRONT_WINDOW = np.array([(0.465, 0.64), (0.465, 0.91), (0.58, 0.91), (0.70, 0.64)])


def _tone(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@dataclass(frozen=True)
class SideCar:
    """A car seen from the side; `x` is its middle, `base` the foot of its wheels."""

    x: float
    base: float
    width: float
    paint_colour: Colour
    rightwards: bool

    label: ClassVar[int] = classes.CAR

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, width: float, rightwards: bool) -> "SideCar":
        """A car of one of `PAINTS`."""
        return cls(x, base, width, PAINTS[rng.integers(len(PAINTS))], rightwards)

    def paint(self, canvas: Canvas) -> None:
        """Draw body, cabin, windows, sill, handles, lamps, bumpers and wheels."""
        w, h = self.width, 0.40 * self.width
        sign = 1 if self.rightwards else -1
        scale, origin = np.array((sign * w, -h)), np.array((self.x - sign * w / 2, self.base))

        def shape(outline: np.ndarray, surface: int) -> None:
            canvas.polygon(outline * scale + origin, surface)

        def box(u0: float, v0: float, u1: float, v1: float, surface: int) -> None:
            a, b = self.x + sign * w * (u0 - 0.5), self.x + sign * w * (u1 - 0.5)
            canvas.rectangle(min(a, b), self.base - v1 * h, max(a, b), self.base - v0 * h, surface)

        body = canvas.surface(self.paint_colour)
        sill = canvas.surface(_tone(self.paint_colour, 0.55))
        glass = canvas.surface(_GLASS, mirror=0.25, part=PANE)
        chrome, shade = canvas.surface(_CHROME), canvas.surface(_TYRE)
        tyre, rim = canvas.surface(_TYRE, part=WHEEL), canvas.surface(_RIM, part=WHEEL)
        box(0.04, 0.1, 0.96, 0.24, shade)
        shape(_CABIN, body)
        shape(_BODY, body)
        box(0.0, 0.2, 1.0, 0.31, sill)
        shape(_REAR_WINDOW, glass)
        shape(_FRONT_WINDOW, glass)
        box(0.445, 0.3, 0.458, 0.62, sill)
        box(0.36, 0.52, 0.42, 0.56, chrome)
        box(0.94, 0.42, 1.005, 0.54, canvas.surface(_FRONT, glow=0.3, lamp=1.0))
        box(-0.005, 0.44, 0.045, 0.56, canvas.surface(_REAR, glow=0.5))
        box(0.95, 0.2, 1.02, 0.28, chrome)
        box(-0.02, 0.2, 0.05, 0.28, chrome)
        for u in (0.21, 0.79):
            x, y = self.x + sign * w * (u - 0.5), self.base - 0.21 * h
            canvas.ellipse(x, y, 0.098 * w, 0.098 * w, tyre)
            canvas.ellipse(x, y, 0.048 * w, 0.048 * w, rim)


@dataclass(frozen=True)
class EndCar:
    """A car seen from behind (`front` False: red lamps) or from the front; `x` is its middle."""

    x: float
    base: float
    width: float
    paint_colour: Colour
    front: bool

    label: ClassVar[int] = classes.CAR

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, width: float, front: bool) -> "EndCar":
        """A car of one of `PAINTS`."""
        return cls(x, base, width, PAINTS[rng.integers(len(PAINTS))], front)

    def paint(self, canvas: Canvas) -> None:
        """Draw wheels, body, cabin, window, lamps, bumper and plate."""
        x, y, w = self.x, self.base, self.width
        h = 0.78 * w

        def box(u0: float, v0: float, u1: float, v1: float, surface: int) -> None:
            canvas.rectangle(x + u0 * w, y - v1 * h, x + u1 * w, y - v0 * h, surface)

        body = canvas.surface(self.paint_colour)
        lower = canvas.surface(_tone(self.paint_colour, 0.6))
        tyre, chrome = canvas.surface(_TYRE, part=WHEEL), canvas.surface(_CHROME)
        box(-0.46, 0, -0.28, 0.3, tyre)
        box(0.28, 0, 0.46, 0.3, tyre)
        cabin = ((-0.45, 0.54), (-0.33, 0.96), (-0.26, 1), (0.26, 1), (0.33, 0.96), (0.45, 0.54))
        canvas.polygon([(x + u * w, y - v * h) for u, v in cabin], body)
        window = ((-0.36, 0.6), (-0.27, 0.91), (0.27, 0.91), (0.36, 0.6))
        glass = canvas.surface(_GLASS, mirror=0.25, part=PANE)
        canvas.polygon([(x + u * w, y - v * h) for u, v in window], glass)
        box(-0.5, 0.2, 0.5, 0.57, body)
        box(-0.5, 0.12, 0.5, 0.27, lower)
        box(-0.48, 0.1, 0.48, 0.17, chrome)
        lamp = canvas.surface(_FRONT, glow=0.3, lamp=1.0) if self.front else canvas.surface(_REAR, glow=0.6)
        box(-0.48, 0.36, -0.29, 0.51, lamp)
        box(0.29, 0.36, 0.48, 0.51, lamp)
        if self.front:
            box(-0.22, 0.34, 0.22, 0.46, canvas.surface(_TYRE))
        box(-0.13, 0.19, 0.13, 0.29, canvas.surface((0.95, 0.95, 0.9)))
