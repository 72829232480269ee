"""Opening image files, with errors that name the file."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import ExifTags, Image, ImageOps

from semsynth import machine
from semsynth.errors import DataError

T = TypeVar("T")


def opened(path: Path, use: Callable[[Image.Image], T], data: bytes | None = None) -> T:
    """Open a file and hand it to `use`, which may decode it; what goes wrong becomes a DataError.

    With `data`, the content of a file that lies elsewhere, `path` is its name in messages alone.

    Raises:
        DataError: the file is missing, broken, no image, or too large; or of `use`.
        OSError: the machine, and not the file, is at fault, see `semsynth.machine`.
    """
    if data is None and path.exists() and not path.is_file():  # from a pipe it would wait for a writer
        raise DataError(f"{path}: this is no file, but a folder, a pipe or a device: put a picture there")
    try:
        with Image.open(path if data is None else io.BytesIO(data)) as image:
            return use(image)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6  # Pillow refuses from twice the size on from which it warns
        raise DataError(f"{path}: more than {most:.0f} megapixels, the most that is read: scale it down or cut it into "
                        "pieces (image and mask alike)") from None
    except MemoryError:
        raise DataError(f"{path}: needs more memory than there is: scale it down or cut it into pieces (image and mask "
                        "alike)") from None
    except Exception as error:  # on a damaged file decoders raise whatever comes to pass: IndexError, TypeError, ...
        if isinstance(error, OSError) and machine.in_words(error) is not None:
            raise
        raise DataError(f"{path}: cannot be decoded, it is truncated or no image ({error}): replace it") from error


def check_single(image: Image.Image, path: Path) -> None:
    """Check that a file holds one picture; the later pages of a TIFF may be its overviews, those of a JPEG previews.

    Raises:
        DataError: it is an animation.
    """
    if image.format not in ("TIFF", "MPO") and getattr(image, "is_animated", False):
        raise DataError(f"{path}: holds several pictures (an animation): save the one that is meant as PNG")


def is_turned(image: Image.Image) -> bool:
    """Tell whether a picture's EXIF tag says that it is shown turned or mirrored."""
    return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)


def upright(image: Image.Image) -> Image.Image:
    """Return a picture as every viewer shows it: turned as its EXIF tag says."""
    return ImageOps.exif_transpose(image) if is_turned(image) else image


def picture_size(path: Path, data: bytes | None = None) -> tuple[int, int]:
    """Return (height, width) of a picture as it is shown, from its header; of `data`, see `opened`.

    Raises:
        DataError: as `opened`.
    """
    def size(image: Image.Image) -> tuple[int, int]:
        lying = image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
        return (image.width, image.height) if lying else (image.height, image.width)  # TIFF: turned by Pillow

    return opened(path, size, data)
