"""Opening image files, with errors that name the file."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import ExifTags, Image, ImageOps

from semsynth.errors import DataError

T = TypeVar("T")


def opened(path: Path, use: Callable[[Image.Image], T]) -> T:
    """Open a file and hand it to `use`, which may decode it; what goes wrong becomes a DataError.

    Raises:
        DataError: the file is missing, broken, no image, or too large; or of `use`.
    """
    try:
        with Image.open(path) as image:
            return use(image)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6  # Pillow refuses from twice the size on from which it warns
        raise DataError(f"{path}: more than {most:.0f} megapixels, the most that is read: scale it down or cut it into "
                        "pieces (image and mask alike)") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: cannot be decoded, it is truncated or no image ({error}): replace it") from error


def is_turned(image: Image.Image) -> bool:
    """Tell whether a picture's EXIF tag says that it is shown turned or mirrored."""
    return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)


def upright(image: Image.Image) -> Image.Image:
    """Return a picture as every viewer shows it: turned as its EXIF tag says."""
    return ImageOps.exif_transpose(image) if is_turned(image) else image


def picture_size(path: Path) -> tuple[int, int]:
    """Return (height, width) of a picture as it is shown, from its header.

    Raises:
        DataError: as `opened`.
    """
    def size(image: Image.Image) -> tuple[int, int]:
        lying = image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return (image.width, image.height) if lying else (image.height, image.width)  # TIFF: turned by Pillow

    return opened(path, size)
