"""Photographs as 8-bit RGB: upright, of any depth, on white where they are transparent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from semsynth.data.decoding import check_single, is_turned, opened, upright
from semsynth.data.png import check_complete
from semsynth.errors import DataError


def read_picture(path: Path, data: bytes | None = None) -> tuple[Image.Image, list[str]]:
    """Read a photograph as RGB, and say what was done to it beyond decoding: see `changes`.

    `data` is the content of a file that was found whole and lies elsewhere now, see `opened`.

    Raises:
        DataError: the file is missing or broken, an animation, its pixel data end early, or its white is not known.
    """
    def use(image: Image.Image) -> tuple[Image.Image, list[str]]:
        check_single(image, path)
        image.load()
        if data is None:
            check_complete(image, path)
        return as_rgb(image, path), changes(image)

    return opened(path, use, data)


def as_rgb(image: Image.Image, name: str | Path) -> Image.Image:
    """Return a picture as 8-bit RGB: turned as its EXIF tag says, scaled by its depth, laid on white.

    White is 65535 in 16 bits and 1.0 in real numbers.

    Raises:
        DataError: 32-bit integers, or real numbers outside of [0, 1]; `name` is the picture's in the message.
    """
    image = upright(image)
    if image.mode in _DEEP:
        return Image.fromarray(_DEEP[image.mode](np.asarray(image), name)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if _shows_through(image):
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def changes(image: Image.Image) -> list[str]:
    """Say what `as_rgb` does to a picture that looks different without it."""
    done = []
    if is_turned(image):
        done.append("turned by an EXIF tag, as every viewer does: the masks must be upright too")
    if image.mode in _DEEP:
        done.append("scaled from 16 bits or real numbers to 8 bits")
    if image.has_transparency_data and _shows_through(image.convert("RGBA")):
        done.append("transparent in places, which become white")
    return done


def _shows_through(image: Image.Image) -> bool:
    return bool(np.asarray(image.getchannel("A")).min() < 255)


def _sixteen_bits(values: np.ndarray, name: str | Path) -> np.ndarray:
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _thirty_two_bits(values: np.ndarray, name: str | Path) -> np.ndarray:
    raise DataError(f"{name}: a picture of 32-bit integers ({values.min()} to {values.max()}), whose white is not "
                    "known: save it with 8 or 16 bits")


def _real_numbers(values: np.ndarray, name: str | Path) -> np.ndarray:
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise DataError(f"{name}: a picture of real numbers from {values.min():g} to {values.max():g}, but black is 0 "
                        "and white is 1: scale it, or save it with 8 or 16 bits")
    return np.rint(values * 255).astype(np.uint8)


_DEEP: dict[str, Callable[[np.ndarray, str | Path], np.ndarray]] = {
    "I;16": _sixteen_bits,
    "I;16B": _sixteen_bits,
    "I;16L": _sixteen_bits,
    "I;16N": _sixteen_bits,
    "I": _thirty_two_bits,
    "F": _real_numbers,
}
