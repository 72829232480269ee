"""Bank of noise textures, made once per canvas size and looked up by every scene."""

from functools import lru_cache

import numpy as np

PLAIN, GRASS, WATER, LEAVES, ROCK, GRAIN, VAPOUR = range(7)

# per texture: octaves of (cells per unit vertically, cells per unit horizontally, weight); unit: the picture's height
_OCTAVES: dict[int, tuple[tuple[int, int, float], ...]] = {
    GRASS: ((9, 38, 1.0), (16, 90, 0.9), (4, 5, 0.4)),
    WATER: ((60, 6, 1.0), (110, 14, 0.7), (22, 3, 0.6)),
    LEAVES: ((24, 24, 1.0), (52, 52, 0.8), (9, 9, 0.5)),
    ROCK: ((8, 13, 1.0), (22, 30, 0.7), (60, 60, 0.4)),
    GRAIN: ((80, 80, 1.0), (30, 30, 0.6)),
    VAPOUR: ((7, 5, 1.0), (18, 12, 0.5)),
}
# how far a scene may shift its window on the bank, in units, so that no two scenes share their noise
MARGIN = 0.5


def _value_noise(rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray, depth: int) -> np.ndarray:
    """Smoothly interpolated random lattice of `depth` rows at coordinates given in cells: (h,), (w,) -> (h, w)."""
    # drawn column by column: a wider picture continues the same noise to the right
    lattice = rng.uniform(-1, 1, (int(columns[-1]) + 2, depth)).T
    r, c = rows.astype(np.int64), columns.astype(np.int64)
    fr, fc = rows - r, columns - c
    fr, fc = (fr * fr * (3 - 2 * fr))[:, None], fc * fc * (3 - 2 * fc)
    lines = lattice[:, c] * (1 - fc) + lattice[:, c + 1] * fc
    return lines[r] * (1 - fr) + lines[r + 1] * fr


@lru_cache(maxsize=8)
def bank(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Textures for a canvas of `height` x `width` pixels, margin included: the same noise at every size.

    Returns:
        (values, grid): `values` is flat float32 of 7 textures of zero mean and unit deviation, clipped to [-2, 2],
        each of `height * (1 + MARGIN)` x `width + height * MARGIN` pixels; `grid` (height, width) int32 holds the
        position of each pixel of the canvas in the first texture, unshifted.
    """
    border = round(height * MARGIN)
    h, w = height + border, width + border
    values = np.zeros((len(_OCTAVES) + 1, h, w), dtype=np.float32)
    rows, columns = (np.arange(h) + 0.5) / height, (np.arange(w) + 0.5) / height
    for kind, octaves in _OCTAVES.items():
        total = np.zeros((h, w))
        for number, (vertical, horizontal, weight) in enumerate(octaves):
            rng = np.random.default_rng([kind, number])  # the one bank of all pictures: no use of chance beside others
            # an octave finer than two pixels would alias: fade it out
            fade = min(1.0, height / (2 * max(vertical, horizontal)))
            depth = int(vertical * (1 + MARGIN)) + 2
            total += weight * fade * _value_noise(rng, rows * vertical, columns * horizontal, depth)
        total -= total.mean()
        values[kind] = np.clip(total / total.std(), -2, 2)
    grid = (np.arange(height)[:, None] * w + np.arange(width)).astype(np.int32)
    return values.reshape(-1), grid


def shift(height: int, width: int, down: float, right: float) -> int:
    """Offset into the flat bank for a shift of `down`, `right` in [0, 1], as shares of the margin."""
    border = round(height * MARGIN)
    return int(down * border) * (width + border) + int(right * border)


def plane(height: int, width: int) -> int:
    """Number of values of one texture in the flat bank."""
    border = round(height * MARGIN)
    return (height + border) * (width + border)
