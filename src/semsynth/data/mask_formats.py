"""File formats of masks: those that keep every id and colour."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from semsynth.data.decoding import check_single
from semsynth.errors import DataError

FORMATS = ("PNG", "BMP", "TIFF", "GIF", "PPM", "WEBP")
WITH_LOSS = ("JPEG", "MPO", "JPEG2000", "AVIF")
LOSSY_TIFF = ("tiff_jpeg", "jpeg", "webp")  # Pillow's names of compressions
SCALED = {"L;2": 3, "L;4": 15}  # Pillow's names of grey of few bits, and its largest value
READ = "PNG, BMP, TIFF, GIF, PPM/PGM/PBM or lossless WebP"


def check_lossless(image: Image.Image, path: Path, data: bytes | None = None) -> None:
    """Look at what a file is, whatever its name says; `data` is its content where it lies elsewhere.

    Raises:
        DataError: it is stored with loss, in another format, as several pictures, or loses bits when decoded.
    """
    kind = _loss(image, path, data)
    if kind:
        raise DataError(
            f"{path}: stored with loss (as {kind}), which changes ids and colours along every border: export the mask "
            "anew, as PNG, where it was drawn; to convert this file does not bring them back"
        )
    if image.format not in FORMATS:
        raise DataError(f"{path}: masks are read from {READ}, this is {image.format}: save it as PNG")
    check_single(image, path)
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I", "F") and not image.mode.startswith("I;16"):
        raise DataError(f"{path}: holds {image.mode} values: save the mask as PNG of ids, a palette or RGB colours")
    if any(";16" in _raw_mode(tile) for tile in _tiles(image)) and not image.mode.startswith("I"):
        raise DataError(f"{path}: holds {len(image.getbands())} channels of 16 bits, of which decoding keeps the upper "
                        "8: save ids as one channel of 16 bits, or colours with 8")


def _tiles(image: Image.Image) -> Sequence[Sequence[Any]]:
    """What Pillow is going to decode: (codec, box, offset, arguments); WebP has none."""
    return getattr(image, "tile", [])


def _raw_mode(tile: Sequence[Any]) -> str:
    """The layout of the pixels in the file, in Pillow's words, such as `RGB;16B`."""
    args = tile[3]
    return str(args[0] if isinstance(args, tuple) and args else args)


def _loss(image: Image.Image, path: Path, data: bytes | None) -> str | None:
    """Name the lossy coding of a file, None where there is none."""
    if image.format in WITH_LOSS:
        return image.format
    if image.format == "TIFF" and image.info.get("compression") in LOSSY_TIFF:
        return f"TIFF with {image.info['compression']} compression"
    if image.format == "WEBP" and _has_lossy_frame(Path(path).read_bytes() if data is None else data):
        return "lossy WebP"
    return None


def _has_lossy_frame(data: bytes) -> bool:
    """Look for a `VP8 ` chunk, the lossy one, in a WebP (RIFF) file."""
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack("<4sI", data[place : place + 8])
        if kind == b"VP8 ":
            return True
        place += 8 + length + length % 2
    return False


def stored_maximum(image: Image.Image) -> int | None:
    """Return the value of white in the file where Pillow is going to scale its shades of grey to 255 or 65535.

    That is so in a PGM of another white, and where a pixel has two or four bits; not in an image that is decoded yet.
    """
    tiles = _tiles(image)
    if image.mode not in ("L", "I") or not tiles:
        return None
    if image.format == "PPM":
        return None if tiles[0][0] == "raw" else int(tiles[0][3][-1])
    return SCALED.get(_raw_mode(tiles[0]))
