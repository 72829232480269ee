"""Masks and photographs that anybody may have sent: looked at before they are decoded, and decoded as files are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from semsynth.data.mask_formats import FORMATS
from semsynth.data.masks import checked_labels, read_image
from semsynth.data.resize import resize_nearest
from semsynth.errors import DataError, MaskError, UnknownColourError
from semsynth.synthesis.maps import Decode

PHOTOGRAPHS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
WAY_OUT = ("Save the mask as PNG, with the ids of the classes as grey values or palette indices, or in the class "
           "colours: a map that this page saves has both")
BY_COLOURS = "Save the mask as PNG in the class colours: a map that this page saves has them"


@dataclass(frozen=True)
class MaskReader:
    """Reads masks as the run's data set reads its own, or painted in the class colours.

    Attributes:
        decode: See `semsynth.synthesis.maps.mask_decoder`.
        painted: The same of a painting whose edges may be smoothed.
        classes: How many there are.
        unknown: The class of the label 255, or None.
        size: (H,W) to which masks are brought, nearest neighbour.
        by_colours: Whether colours alone tell the classes.
    """

    decode: Decode
    painted: Decode
    classes: int
    unknown: int | None
    size: tuple[int, int]
    by_colours: bool = False

    def read(self, content: bytes, name: str, most: int) -> np.ndarray:
        """The classes (H,W) uint8 of an uploaded file.

        Args:
            content: Of the file.
            name: What its sender calls it.
            most: Pixels that it may have.

        Raises:
            DataError: it is no mask of these classes; names it, and what can be done about it where it is uploaded.
        """
        called = _called(name)
        _check(content, called, (*FORMATS, "JPEG"), most)  # why no JPEG is a mask, its reader says
        path = Path(called)
        try:
            try:
                labels = self.decode(path, content)
            except UnknownColourError:
                labels = self.painted(path, content)
            labels = checked_labels(labels, self.classes, self.unknown, path)
        except MaskError as error:
            raise DataError(f"{called}: {error.reason}. {BY_COLOURS if self.by_colours else WAY_OUT}") from None
        return np.ascontiguousarray(resize_nearest(labels, self.size)).astype(np.uint8)


def read_photograph(content: bytes, most: int) -> Image.Image:
    """An uploaded photograph as 8-bit RGB.

    Raises:
        DataError: it is none, or larger than `most` pixels.
    """
    called = "the photograph"
    _check(content, called, PHOTOGRAPHS, most)
    return read_image(called, content)


def _check(content: bytes, called: str, formats: tuple[str, ...], most: int) -> None:
    """Look at the header alone.

    Raises:
        DataError: no picture of these formats, or too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            width, height = image.size
    except UnidentifiedImageError:
        raise DataError(f"{called}: this is no picture that is read here ({', '.join(formats)})") from None
    except Exception as error:  # decoders raise whatever comes to pass on a damaged header
        raise DataError(f"{called}: cannot be decoded, it is truncated or no image") from error
    if width * height > most:
        raise DataError(f"{called}: {width}x{height} pixels, at most {most / 1e6:.0f} megapixels are read: scale it "
                        "down")


def _called(name: str) -> str:
    """A name as it can be shown."""
    return "".join(sign for sign in name if sign.isprintable())[:80] or "the mask"
