"""Time of day, haze and hue: the global style of a scene and what it does to colours."""

from dataclasses import dataclass

import numpy as np

# time of day from noon (0) through sunset (0.55) and dusk (0.8) to night (1)
_TIME = np.array([0.0, 0.35, 0.55, 0.72, 0.86, 1.0])
_ZENITH = np.array([
    (0.16, 0.42, 0.90), (0.24, 0.48, 0.88), (0.44, 0.42, 0.70),
    (0.40, 0.28, 0.52), (0.19, 0.14, 0.34), (0.05, 0.06, 0.18),
])  # fmt: skip
_HORIZON = np.array([
    (0.82, 0.92, 1.00), (0.95, 0.90, 0.80), (1.00, 0.70, 0.40),
    (0.92, 0.48, 0.36), (0.46, 0.29, 0.42), (0.16, 0.18, 0.34),
])  # fmt: skip
_LIGHT = np.array([
    (1.06, 1.06, 1.04), (1.02, 0.98, 0.88), (1.00, 0.82, 0.64),
    (0.78, 0.60, 0.57), (0.54, 0.48, 0.60), (0.38, 0.41, 0.60),
])  # fmt: skip
_SUN = np.array([
    (1.00, 0.99, 0.74), (1.00, 0.93, 0.55), (1.00, 0.82, 0.38),
    (1.00, 0.70, 0.40), (1.00, 0.90, 0.78), (0.97, 0.98, 1.00),
])  # fmt: skip
_LAMPS = np.array([0.0, 0.0, 0.0, 0.45, 0.9, 1.0])
_NIGHT = np.array([0.0, 0.0, 0.0, 0.0, 0.35, 1.0])
# hue from cold spring green (0) to autumn gold (1)
_HUE = np.array([0.0, 0.5, 1.0])
_LEAF = np.array([(0.08, 0.50, 0.36), (0.30, 0.60, 0.16), (0.90, 0.64, 0.14)])

LAMP = np.array((1.0, 0.86, 0.48))


def _at(x: float, positions: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(x, positions, column) for column in table.T])


@dataclass(frozen=True)
class Light:
    """Colours (3,) in [0, 1] and strengths that follow from the style (time of day, haze, hue), each in [0, 1]."""

    zenith: np.ndarray
    horizon: np.ndarray
    ambient: np.ndarray  # multiplies every albedo
    sun: np.ndarray  # the disk of sun or moon
    leaf: np.ndarray  # albedo of grass and leaves
    fog: np.ndarray  # the colour that haze fades into
    lamps: float  # how far windows and lamps are lit, in [0, 1]
    night: float  # stars and craters of the moon, in [0, 1]
    density: float  # of the haze

    @classmethod
    def of(cls, style: np.ndarray) -> "Light":
        """The light of `style` (3,): time of day, haze, hue."""
        time, haze, hue = (float(v) for v in style)
        # warm hues lift red and lower blue everywhere, so that the hue can be read off any picture
        tint = 1 + (2 * hue - 1) * np.array((0.10, 0.0, -0.16))
        horizon = _at(time, _TIME, _HORIZON) * tint
        return cls(
            zenith=_at(time, _TIME, _ZENITH) * tint,
            horizon=horizon,
            ambient=_at(time, _TIME, _LIGHT) * tint,
            sun=_at(time, _TIME, _SUN),
            leaf=_at(hue, _HUE, _LEAF),
            fog=0.55 * horizon + 0.45 * horizon.mean(),
            lamps=float(np.interp(time, _TIME, _LAMPS)),
            night=float(np.interp(time, _TIME, _NIGHT)),
            density=1.15 * haze,
        )

    def haze(self, depth: np.ndarray) -> np.ndarray:
        """Share of the fog colour at `depth`, which is 0 at the viewer's feet and 1 at the horizon."""
        return 1 - np.exp(-self.density * (0.12 + 0.5 * depth + 0.8 * depth**2))

    def sky(self, height: np.ndarray) -> np.ndarray:
        """Colours (3, n) of the sky at `height` (n,): 0 at the horizon, 1 at the top of the picture."""
        down = np.clip(1 - height, 0, 1)
        colours = self.zenith[:, None] + (self.horizon - self.zenith)[:, None] * down**1.3
        fog = 1 - np.exp(-self.density * (0.25 + 0.9 * down**2))
        return colours + (self.fog[:, None] - colours) * fog
