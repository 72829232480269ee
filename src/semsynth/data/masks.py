"""Reading images, label maps and instance maps from files, with errors that name the file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from semsynth.data.decoding import check_single, opened, upright
from semsynth.data.mask_formats import check_lossless, stored_maximum
from semsynth.data.pictures import as_rgb
from semsynth.data.png import check_complete
from semsynth.errors import DataError, MaskError

DONT_CARE = 255  # the label of pixels that belong to no class, in every published data set


def read_image(path: str | Path, data: bytes | None = None) -> Image.Image:
    """Read an image as 8-bit RGB; see `semsynth.data.pictures.as_rgb`.

    `data` is the content of a file that was found whole and lies elsewhere now, see `semsynth.data.decoding.opened`.

    Raises:
        DataError: the file is missing or broken, an animation, its pixel data end early, or its white is not known.
    """
    path = Path(path)

    def use(image: Image.Image) -> Image.Image:
        check_single(image, path)
        image.load()
        if data is None:
            check_complete(image, path)
        return as_rgb(image, path)

    return opened(path, use, data)


@dataclass(frozen=True)
class Mask:
    """A label file as it is: `pixels` (H,W) ids or palette indices, or (H,W,3) colours.

    `colours` is the palette (256,3) uint8 of a palette file, the pixels themselves of a colour file, else None.
    """

    pixels: np.ndarray
    colours: np.ndarray | None = None


def read_mask(path: str | Path, data: bytes | None = None) -> Mask:
    """Read a label file of ids, palette indices or colours; an alpha channel is dropped.

    Real numbers count as ids where all are whole. The indices of a GIF mean nothing, since every program numbers its
    colours anew: its colours count, or its shades of grey as ids. With `data`, the content of a file that lies
    elsewhere, `path` is its name in messages alone.

    Raises:
        DataError: the file is missing, broken, ends early, or is stored with loss.
    """
    path = Path(path)

    def use(image: Image.Image) -> Mask:
        check_lossless(image, path, data)
        is_gif, maximum = image.format == "GIF", stored_maximum(image)
        image.load()
        check_complete(image, path, data)
        return _as_mask(upright(image), path, is_gif, maximum)

    return opened(path, use, data)


def _as_mask(image: Image.Image, path: Path, is_gif: bool, maximum: int | None) -> Mask:
    pixels = np.array(image.convert("RGB") if is_gif else image)
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        colours = pixels[:, :, :3]
        return Mask(colours[:, :, 0].copy()) if is_gif and is_grey(colours) else Mask(colours, colours)
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    if image.mode == "P":
        table = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return Mask(pixels, np.concatenate([table, np.zeros((256 - len(table), 3), np.uint8)]))
    if maximum is not None:
        pixels = np.rint(pixels * (maximum / (65535 if image.mode == "I" else 255)))
    return Mask(_whole(pixels, path))


def _whole(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Return ids (H,W) as uint8 where they fit, else int32.

    Raises:
        DataError: real numbers that are not whole, or too large.
    """
    if pixels.dtype.kind == "f" and not ((pixels == np.rint(pixels)).all() and np.abs(pixels).max() < 2**31):
        raise DataError(f"{path}: holds real numbers that are not whole, but integer ids are expected")
    return pixels.astype(np.uint8 if pixels.dtype in (bool, np.uint8) else np.int32)


def is_grey(colours: np.ndarray) -> bool:
    """Tell whether all colours (...,3) are shades of grey."""
    return bool((colours == colours[..., :1]).all())


def grey_ids(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Return ids (H,W) from the pixels of a mask; grey stored as RGB counts.

    Raises:
        DataError: a colour image.
    """
    if pixels.ndim == 2:
        return pixels
    if is_grey(pixels):
        return np.ascontiguousarray(pixels[:, :, 0])
    raise DataError(
        f"{path}: a colour image, but label ids (grey or palette) are expected: "
        "dataset=folder reads colour-coded masks by the colours of its classes.yaml"
    )


def read_ids(path: Path) -> np.ndarray:
    """Read a label map of ids: grey values, or the indices of a palette PNG -> (H,W) uint8 or int32.

    Raises:
        DataError: the file is missing or broken, or a colour image.
    """
    return grey_ids(read_mask(path).pixels, path)


def read_instances(path: Path) -> np.ndarray:
    """Read an instance map -> (H,W) int32; colours are packed into one number, since only differences matter.

    Raises:
        DataError: the file is missing or broken.
    """
    pixels = read_mask(path).pixels
    return pixels.astype(np.int32) if pixels.ndim == 2 else pack_colours(pixels)


def pack_colours(rgb: np.ndarray) -> np.ndarray:
    """Make one number of a colour: (...,3) integers in 0..255 -> (...) int32."""
    wide = rgb.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def checked_labels(ids: np.ndarray, num_classes: int, unknown: int | None, path: Path) -> np.ndarray:
    """Turn don't-care (255) into the unknown class and check the range: (H,W) ids -> (H,W) in [0, num_classes).

    Raises:
        MaskError: an id that is not allowed; names the file, the first such pixel, the id and the allowed ids.
    """
    if unknown is not None and num_classes <= DONT_CARE:
        dont_care = ids == DONT_CARE
        if dont_care.any():
            ids = np.where(dont_care, ids.dtype.type(unknown), ids)
    if int(ids.max()) < num_classes and int(ids.min()) >= 0:
        return ids
    wrong = (ids >= num_classes) | (ids < 0)
    row, column = np.unravel_index(int(wrong.argmax()), ids.shape)
    value = int(ids[row, column])
    counted = "" if unknown is None else f"; {DONT_CARE} counts as the unknown class {unknown}"
    way_out = "" if unknown is not None or value != DONT_CARE else (
        f"; {DONT_CARE} is don't-care in most data sets: add a class for it and name it in classes.yaml, as in "
        f"`unknown: void`, or set dataset.unknown to its index (where it is a class as any other, write "
        f"`id: {DONT_CARE}` to it)")
    more = np.unique(ids[wrong])
    others = f" (ids out of range in this file: {', '.join(map(str, more[:10].tolist()))})" if len(more) > 1 else ""
    reason = (f"label id {value} at row {row}, column {column} is out of range{others}: "
              f"allowed are 0 to {num_classes - 1}{counted}")
    raise MaskError(f"{path}: {reason}{way_out}. Correct the mask, or dataset.num_classes and the classes", reason)
