"""Persons: a standing figure with hair, shirt and trousers of its own colours."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from semsynth.data.scenes import classes
from semsynth.data.scenes.canvas import Canvas, Colour

SHIRTS: tuple[Colour, ...] = (
    (0.90, 0.12, 0.14), (0.98, 0.74, 0.10), (0.16, 0.34, 0.80),
    (0.94, 0.92, 0.88), (0.14, 0.62, 0.32), (0.60, 0.20, 0.58),
    (0.96, 0.50, 0.60),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = ((0.14, 0.17, 0.30), (0.20, 0.20, 0.22), (0.46, 0.38, 0.28), (0.34, 0.42, 0.56))
_SKINS: tuple[Colour, ...] = ((0.94, 0.76, 0.62), (0.80, 0.58, 0.42), (0.50, 0.33, 0.23))
_HAIR: tuple[Colour, ...] = ((0.14, 0.10, 0.08), (0.40, 0.24, 0.12), (0.82, 0.66, 0.34))

# outlines in the figure's own box: u across (0 the middle), v from the ground (0) to the crown (1), both in heights
_TORSO = np.array([(-0.135, 0.82), (-0.06, 0.85), (0.06, 0.85), (0.135, 0.82), (0.108, 0.44), (-0.108, 0.44)])
_ARM = np.array([(0.105, 0.84), (0.155, 0.80), (0.195, 0.47), (0.145, 0.455), (0.11, 0.70)])
_LEG = np.array([(0.005, 0.47), (0.112, 0.47), (0.102, 0.03), (0.026, 0.03)])


@dataclass(frozen=True)
class Person:
    """A person of `height` units on (x, base)."""

    x: float
    base: float
    height: float
    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    waving: bool

    label: ClassVar[int] = classes.PERSON

    @classmethod
    def random(cls, rng: np.random.Generator, x: float, base: float, height: float) -> "Person":
        """A person dressed at random."""
        shirt, trousers, skin, hair = (
            options[rng.integers(len(options))] for options in (SHIRTS, _TROUSERS, _SKINS, _HAIR)
        )
        return cls(x, base, height, shirt, trousers, skin, hair, bool(rng.random() < 0.3))

    def paint(self, canvas: Canvas) -> None:
        """Draw legs and shoes, arms and hands, shirt, head and hair."""
        x, y, h = self.x, self.base, self.height
        r, g, b = self.shirt
        shirt, sleeve = canvas.surface(self.shirt), canvas.surface((0.78 * r, 0.78 * g, 0.78 * b))
        trousers, shoe = canvas.surface(self.trousers), canvas.surface((0.10, 0.08, 0.08))
        skin, hair = canvas.surface(self.skin), canvas.surface(self.hair)
        origin = np.array((x, y))
        for side in (-1, 1):
            scale = np.array((side * h, -h))
            canvas.polygon(_LEG * scale + origin, trousers)
            canvas.ellipse(x + side * 0.072 * h, y - 0.02 * h, 0.056 * h, 0.026 * h, shoe)
            arm = _ARM
            hand = (x + side * 0.17 * h, y - 0.45 * h)
            if self.waving and side == 1:
                arm = _ARM * (1, -1) + (0, 1.62)  # the arm mirrored at the shoulder
                hand = (x + 0.17 * h, y - 1.17 * h)
            canvas.polygon(arm * scale + origin, sleeve)
            canvas.ellipse(*hand, 0.032 * h, 0.032 * h, skin)
        canvas.polygon(_TORSO * (h, -h) + origin, shirt)
        canvas.rectangle(x - 0.03 * h, y - 0.89 * h, x + 0.03 * h, y - 0.84 * h, skin)
        canvas.ellipse(x, y - 0.925 * h, 0.086 * h, 0.082 * h, hair)
        canvas.ellipse(x, y - 0.905 * h, 0.07 * h, 0.07 * h, skin)
