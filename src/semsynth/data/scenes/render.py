"""From a map of surfaces to labels, instances and a lit picture."""

import numpy as np

from semsynth.data.scenes import textures
from semsynth.data.scenes.canvas import DISK, FIELDS, GROUND, SKY, Canvas
from semsynth.data.scenes.layout import Scene
from semsynth.data.scenes.light import LAMP, Light

_COLUMN = {name: index for index, name in enumerate(FIELDS)}


def _lit(table: np.ndarray, light: Light) -> np.ndarray:
    """Colours (3, S) float64 of the surfaces (S, F) under `light`, before texture and haze."""
    column = {name: table[:, index] for name, index in _COLUMN.items()}
    albedo = table[:, :3].T.copy()
    leaf = column["leaf"] > 0
    albedo[:, leaf] *= light.leaf[:, None]
    glow = column["glow"]
    colours = albedo * (light.ambient[:, None] * (1 - glow) + glow)
    colours += (light.horizon[:, None] - colours) * column["mirror"]
    colours += (LAMP[:, None] - colours) * (column["lamp"] * light.lamps)
    disk = column["kind"] == DISK
    colours[:, disk] = light.sun[:, None] * (1 - (1 - albedo[:, disk]) * light.night)
    return colours


def _glow(scene: Scene, light: Light, rows: int, height: int, width: int) -> np.ndarray | None:
    """Shine (3, rows, width) around the sun or moon, or None when the sky is empty."""
    if scene.sun is None:
        return None
    y = ((np.arange(rows) + 0.5) / height - scene.sun.y) / (4 * scene.sun.radius)
    x = ((np.arange(width) + 0.5) / height - scene.sun.x) / (4 * scene.sun.radius)
    # a Gaussian is separable: two short vectors instead of a distance per pixel
    falloff = np.exp(-(y**2))[:, None] * np.exp(-(x**2))
    strength = (0.38 - 0.22 * light.night) * light.sun
    return strength[:, None, None].astype(np.float32) * falloff.astype(np.float32)


def shade(canvas: Canvas, scene: Scene, style: np.ndarray) -> np.ndarray:
    """Picture (3, h, w) float32 in [0, 1] of a drawn canvas under `style` (3,)."""
    h, w, surfaces = canvas.height, canvas.width, canvas.surfaces
    light = Light.of(style)
    table = np.array(canvas.table)
    kind = table[:, _COLUMN["kind"]]
    lit = _lit(table, light).astype(np.float32)

    # texture: gathered from the bank at (texture of the surface, position of the pixel)
    values, grid = textures.bank(h, w)
    size = textures.plane(h, w)
    start = table[:, _COLUMN["texture"]].astype(np.int32) * size + textures.shift(h, w, *scene.noise)
    modulation = values.take(start.astype(np.int32).take(surfaces) + grid)
    modulation *= table[:, _COLUMN["contrast"]].astype(np.float32).take(surfaces)
    modulation += 1

    # haze: by the depth of the object, or by the row for what lies on the ground
    rows = (np.arange(h) + 0.5) / h
    own = light.haze(table[:, _COLUMN["depth"]]).astype(np.float32)
    by_row = light.haze(np.clip((1 - rows) / (1 - scene.horizon), 0, 1)).astype(np.float32)
    haze = own.take(surfaces)
    np.copyto(haze, by_row[:, None], where=(kind == GROUND).take(surfaces))
    modulation *= 1 - haze

    image = np.empty((3, h, w), dtype=np.float32)
    for channel in range(3):
        plane = lit[channel].take(surfaces)
        plane *= modulation
        plane += haze * np.float32(light.fog[channel])
        image[channel] = plane

    sky_rows = min(h, round((scene.horizon + 0.02) * h))
    mask = (kind == SKY).take(surfaces[:sky_rows])
    sky = light.sky(1 - rows[:sky_rows] / scene.horizon).astype(np.float32)[:, :, None]
    shine = _glow(scene, light, sky_rows, h, w)
    np.copyto(image[:, :sky_rows], sky if shine is None else sky + shine * (1 - sky), where=mask)
    if light.night > 0:
        r, c = (scene.stars[:, 0] * sky_rows).astype(int), (scene.stars[:, 1] * w).astype(int)
        r, c = r[mask[r, c]], c[mask[r, c]]
        image[:, r, c] += np.float32(light.night * 0.6 * np.exp(-light.density))
    return np.clip(image, 0, 1, out=image)


def render(scene: Scene, style: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw `scene` under `style` (3,) at any size.

    Below 128 pixels the picture is drawn at twice the size and averaged; labels are sampled, never averaged.

    Returns:
        image (3, height, width) float32 in [0, 1], labels (height, width) int64, instances (height, width) int64.
    """
    canvas, surfaces = painted(scene, height, width)
    image = shade(canvas, scene, style)
    if surfaces is not canvas.surfaces:
        image = image[:, 0::2] + image[:, 1::2]
        image = (image[:, :, 0::2] + image[:, :, 1::2]) * np.float32(0.25)
    return image, _facts(canvas, "label").take(surfaces), _facts(canvas, "instance").take(surfaces)


def render_parts(scene: Scene, height: int, width: int) -> np.ndarray:
    """The parts of `scene`'s objects, as (height, width) int64 of `parts.PARTS`, where `render` has their labels."""
    canvas, surfaces = painted(scene, height, width)
    return _facts(canvas, "part").take(surfaces)


def painted(scene: Scene, height: int, width: int) -> tuple[Canvas, np.ndarray]:
    """The scene on a canvas, twice as large where the picture is small, and its surfaces at the picture's size."""
    factor = 2 if min(height, width) < 128 else 1
    canvas = Canvas(height * factor, width * factor)
    scene.paint(canvas)
    return canvas, canvas.surfaces if factor == 1 else canvas.surfaces[1::2, 1::2]


def _facts(canvas: Canvas, field: str) -> np.ndarray:
    """A whole number (S,) int64 of every surface."""
    return np.array([row[_COLUMN[field]] for row in canvas.table], dtype=np.int64)
