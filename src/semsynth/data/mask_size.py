"""Masks of another size than their picture."""

from pathlib import Path

from PIL import ExifTags, Image

TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


def same_aspect(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether one (H,W) is the other, scaled and rounded to whole pixels."""
    height, width = size[0] / other[0], size[1] / other[1]
    return abs(height - width) <= 1 / other[0] + 1 / other[1]


def picture_size(path: Path) -> tuple[int, int] | None:
    """(H,W) at which a picture is shown, from its header; None where it cannot be read."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation) in TURNED
            return (image.width, image.height) if turned else (image.height, image.width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def size_advice(mask: tuple[int, int], image: tuple[int, int]) -> str:
    """Say what to do about a mask (H,W) that has another size than its image (H,W)."""
    if mask == image[::-1]:
        return " (was the image turned by its EXIF tag?): bring both to the same size"
    if same_aspect(mask, image):
        return ": bring both to the same size, or set dataset.resize_masks=true (nearest neighbour)"
    return ": it has another aspect, so it is no scaled copy: bring both to the same size"
