"""Label maps of a run's own data set, to begin with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from semsynth.data.resize import resize_nearest
from semsynth.interfaces import LabelSide, Sides
from semsynth.pictures.grid import to_uint8


@dataclass(frozen=True)
class Starts:
    """Maps, with their photographs.

    Attributes:
        samples: The validation split; None: its files are not there.
        size: (H,W) to which maps are brought.
        most: Maps that are offered.
    """

    samples: Any
    size: tuple[int, int]
    most: int

    def __len__(self) -> int:
        return 0 if self.samples is None else min(len(self.samples), self.most)

    def map(self, index: int) -> tuple[str, np.ndarray]:
        """The name of a map, and its labels (H,W) uint8."""
        sample = self.samples.label_map(index) if isinstance(self.samples, LabelSide) else self.samples[index]
        labels = resize_nearest(sample["labels"].numpy().astype(np.int32), self.size)
        return sample["name"], np.ascontiguousarray(labels).astype(np.uint8)

    def photograph(self, index: int) -> bytes:
        """The photograph that belongs to it, as a PNG file."""
        sample = self.samples.photograph(index) if isinstance(self.samples, Sides) else self.samples[index]
        file = io.BytesIO()
        Image.fromarray(to_uint8(sample["image"].numpy())).save(file, "PNG", compress_level=1)
        return file.getvalue()
