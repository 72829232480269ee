"""What the drawer knows of its objects' colours, of which neither label map nor the three variables of style tell."""

import numpy as np

from semsynth.data.scenes.canvas import FIELDS, UPRIGHT
from semsynth.data.scenes.classes import BUILDING, CAR, PERSON
from semsynth.data.scenes.layout import Scene
from semsynth.data.scenes.light import Light
from semsynth.data.scenes.render import painted

COLOURED = (BUILDING, CAR, PERSON)  # classes whose objects have colours of their own
LIT_COLOUR, STRENGTH = slice(0, 3), slice(3, 6)  # of the channels
_COLUMN = {name: index for index, name in enumerate(FIELDS)}
_OTHER_LIGHT = ("glow", "lamp", "leaf", "mirror")  # fields of surfaces whose colour is not their own alone


def render_colours(scene: Scene, style: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What `scene` shows of its objects' own colours under `style` (3,), where `render` has its pixels.

    Returns:
        colours (6, height, width) float32: the light that reaches the viewer from the object's own colour, in [0, 1],
        and the strength by which that light multiplies any colour; what the haze adds is left out of both. objects
        (height, width) int64: instance ids as `render` gives them, -1 where the pixel is no object of `COLOURED`, or
        its colour is not the object's own alone (glass, lamps).
    """
    canvas, surfaces = painted(scene, height, width)
    table, light = np.array(canvas.table), Light.of(style)
    column = {name: table[:, index] for name, index in _COLUMN.items()}
    strength = light.ambient[:, None] * (1 - light.haze(column["depth"]))
    colours = np.concatenate([strength * table[:, :3].T, strength]).astype(np.float32)
    own = np.isin(column["label"], COLOURED) & (column["kind"] == UPRIGHT)
    own &= ~np.any([column[name] != 0 for name in _OTHER_LIGHT], 0)
    return colours[:, surfaces], np.where(own, column["instance"], -1).astype(np.int64)[surfaces]
