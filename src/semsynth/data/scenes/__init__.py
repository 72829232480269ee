"""`scenes`: procedurally drawn outdoor scenes with labels, instances and known style; needs no download.

A scene is a description in unit coordinates (`layout`), drawn once as a map of surface numbers (`canvas`, `objects`);
labels, instances and colours are look-ups in the table of surfaces (`render`), lit by one global style (`light`).
"""

from semsynth.data.scenes.classes import CLASSES, COLOURS
from semsynth.data.scenes.dataset import Scenes

__all__ = ["CLASSES", "COLOURS", "Scenes"]
