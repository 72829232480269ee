"""Buildings: houses with pitched roofs, towers with a grid of windows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import Canvas, Colour
from semsynth.data.scenes.parts import DOOR, WINDOW
from semsynth.data.scenes.textures import GRAIN

_WALLS: tuple[Colour, ...] = (
    (0.90, 0.84, 0.70), (0.80, 0.52, 0.42), (0.86, 0.86, 0.86),
    (0.92, 0.74, 0.46), (0.70, 0.74, 0.80), (0.66, 0.42, 0.34),
)  # fmt: skip
_ROOFS: tuple[Colour, ...] = (
    (0.66, 0.20, 0.14), (0.18, 0.42, 0.38), (0.44, 0.38, 0.36), (0.52, 0.30, 0.18), (0.24, 0.28, 0.44),
)  # fmt: skip
_DOOR: Colour = (0.40, 0.22, 0.12)
_KNOB: Colour = (0.9, 0.78, 0.3)
_GLASS: Colour = (0.34, 0.46, 0.56)
_FRAME: Colour = (0.95, 0.94, 0.90)


def _darker(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@dataclass(frozen=True)
class House:
    """A house with its wall from `x` to `x + width`, `height` from the ground to the ridge."""

    x: float
    base: float
    width: float
    height: float
    wall: Colour
    roof: Colour
    mirrored: bool  # door and chimney on the right instead of the left
    lit: tuple[bool, bool]  # whether each window lights up at night

    label: ClassVar[int] = classes.BUILDING

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, scale: float = 1.0) -> "House":
        """A house whose left wall stands at `x`."""
        width = scale * rng.uniform(0.28, 0.38)
        height = width * rng.uniform(0.82, 1.0)
        wall, roof = _WALLS[rng.integers(len(_WALLS))], _ROOFS[rng.integers(len(_ROOFS))]
        mirrored, *lit = (rng.random(3) < (0.5, 0.8, 0.8)).tolist()
        return cls(x, base, width, height, wall, roof, mirrored, (lit[0], lit[1]))

    def paint(self, canvas: Canvas) -> None:
        """Draw wall, roof with eaves and chimney, door with a knob, two windows with crosses."""
        x, y, w, h = self.x, self.base, self.width, self.height
        eaves = y - 0.56 * h

        def column(u: float) -> float:
            return x + w * (1 - u if self.mirrored else u)

        def box(u0: float, v0: float, u1: float, v1: float, surface: int) -> None:
            a, b = column(u0), column(u1)
            canvas.rectangle(min(a, b), y - v1 * h, max(a, b), y - v0 * h, surface)

        wall = canvas.surface(self.wall, texture=GRAIN, contrast=0.03)
        trim = canvas.surface(_darker(self.wall, 0.72), texture=GRAIN, contrast=0.03)
        roof = canvas.surface(self.roof, texture=GRAIN, contrast=0.07)
        ridge = canvas.surface(_darker(self.roof, 0.68), texture=GRAIN, contrast=0.05)
        frame, jamb = canvas.surface(_FRAME, part=WINDOW), canvas.surface(_FRAME, part=DOOR)
        door, knob = canvas.surface(_DOOR, part=DOOR), canvas.surface(_KNOB, part=DOOR)
        box(0.66, 0.7, 0.78, 1.02, ridge)
        box(0, 0, 1, 0.57, wall)
        box(0, 0, 1, 0.05, trim)
        left, right, lift = x - 0.09 * w, x + 1.09 * w, eaves - 0.06 * h
        canvas.polygon([(left, eaves), (x + 0.42 * w, y - h), (x + 0.58 * w, y - h), (right, eaves)], roof)
        canvas.polygon([(left, eaves), (right, eaves), (right - 0.07 * w, lift), (left + 0.07 * w, lift)], ridge)
        for u, lit in zip((0.46, 0.75), self.lit, strict=True):
            glass = canvas.surface(_GLASS, mirror=0.2, lamp=0.95 if lit else 0.0, part=WINDOW)
            box(u - 0.025, 0.185, u + 0.205, 0.455, frame)
            box(u, 0.215, u + 0.18, 0.425, glass)
            box(u + 0.08, 0.215, u + 0.10, 0.425, frame)
            box(u, 0.315, u + 0.18, 0.335, frame)
        box(0.10, 0, 0.31, 0.40, jamb)
        box(0.125, 0, 0.285, 0.375, door)
        box(0.24, 0.16, 0.265, 0.2, knob)


@dataclass(frozen=True)
class Tower:
    """A block with a flat roof and `lit` (floors, columns) windows; True ones light up at night."""

    x: float
    base: float
    width: float
    height: float
    wall: Colour
    roof: Colour
    lit: np.ndarray

    label: ClassVar[int] = classes.BUILDING

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, ceiling: float) -> "Tower":
        """A tower whose left wall stands at `x` and whose roof stays below y `ceiling`."""
        floors, columns = int(rng.integers(4, 7)), int(rng.integers(3, 5))
        width = 0.062 * columns + 0.03
        height = min(0.086 * floors + 0.1, base - ceiling)
        wall, roof = _WALLS[rng.integers(len(_WALLS))], _ROOFS[rng.integers(len(_ROOFS))]
        return cls(x, base, width, height, wall, roof, rng.random((floors, columns)) < 0.62)

    def paint(self, canvas: Canvas) -> None:
        """Draw wall with a shaded side, roof slab, windows with sills, and a door in the middle."""
        x, y, w, h = self.x, self.base, self.width, self.height
        top = y - h
        wall = canvas.surface(self.wall, texture=GRAIN, contrast=0.03)
        side = canvas.surface(_darker(self.wall, 0.78), texture=GRAIN, contrast=0.03)
        roof = canvas.surface(self.roof, texture=GRAIN, contrast=0.05)
        canvas.rectangle(x, top, x + w, y, wall)
        canvas.rectangle(x + 0.93 * w, top, x + w, y, side)
        canvas.rectangle(x - 0.03 * w, top, x + 1.03 * w, top + 0.028, roof)
        dark = canvas.surface(_GLASS, mirror=0.12, part=WINDOW)
        bright = canvas.surface(_GLASS, mirror=0.12, lamp=0.95, part=WINDOW)
        floors, columns = self.lit.shape
        ground = 0.085  # the storey of the door, in units
        storey, bay = (h - 0.05 - ground) / floors, 0.93 * w / columns
        for floor, row in enumerate(self.lit.tolist()):
            v = top + 0.042 + floor * storey
            for number, lit in enumerate(row):
                u = x + number * bay + 0.2 * bay
                canvas.rectangle(u, v + 0.14 * storey, u + 0.64 * bay, v + 0.74 * storey, bright if lit else dark)
            canvas.rectangle(x, v + 0.9 * storey, x + w, v + 0.98 * storey, side)
        middle = x + 0.465 * w
        canvas.rectangle(middle - 0.034, y - 0.078, middle + 0.034, y, side)
        canvas.rectangle(middle - 0.025, y - 0.068, middle + 0.025, y, canvas.surface(_DOOR, part=DOOR))
