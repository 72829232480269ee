"""Resizing as published: PIL, bicubic for images, nearest for ids."""

from typing import Literal, get_args

import numpy as np
from PIL import Image

Preprocess = Literal[
    "resize_and_crop",
    "crop",
    "scale_width",
    "scale_width_and_crop",
    "scale_shortside",
    "scale_shortside_and_crop",
    "fixed",
    "none",
]
PREPROCESS: tuple[str, ...] = get_args(Preprocess)
STRIDE = 32  # `none` rounds sides to multiples of it


def resized_size(
    height: int, width: int, size: tuple[int, int], mode: Preprocess, load_ratio: float
) -> tuple[int, int]:
    """Return the (height, width) to which a picture is resized before the crop.

    Args:
        height: Of the picture in the file.
        width: Of the picture in the file.
        size: (H,W) that the networks see.
        mode: `resize_and_crop` resizes both sides to load_ratio times `size`, whatever the aspect; `scale_width` and
            `scale_shortside` keep the aspect and bring that side to its length in `size`, with `_and_crop` to
            load_ratio times that, the other side rounded down as released; `fixed` resizes to `size`; `crop` does not
            resize; `none` rounds the sides to multiples of 32.
        load_ratio: Side before the crop over side after it; published: 286 / 256.
    """
    if mode == "fixed":
        return size
    if mode == "resize_and_crop":
        return round(size[0] * load_ratio), round(size[1] * load_ratio)
    if mode.startswith("scale_"):
        side, wanted = (width, size[1]) if mode.startswith("scale_width") else (min(height, width), min(size))
        wanted = round(wanted * load_ratio) if mode.endswith("_and_crop") else wanted
        return max(1, height * wanted // side), max(1, width * wanted // side)
    if mode == "none":
        return max(1, round(height / STRIDE)) * STRIDE, max(1, round(width / STRIDE)) * STRIDE
    return height, width


def resize_image(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Resize an RGB image to (height, width), bicubic -> (height, width, 3) uint8."""
    return np.array(image if image.size == size[::-1] else image.resize(size[::-1], Image.Resampling.BICUBIC))


def resize_nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a map (H,W) of uint8, int32 or float32 values to (height, width), keeping only values that occur."""
    if values.shape == size:
        return values
    return np.array(Image.fromarray(values).resize(size[::-1], Image.Resampling.NEAREST))
