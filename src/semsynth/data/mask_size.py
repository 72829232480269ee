"""Masks of another size than their picture."""


def same_aspect(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether one (H,W) is the other, scaled and rounded to whole pixels."""
    height, width = size[0] / other[0], size[1] / other[1]
    return abs(height - width) <= 1 / other[0] + 1 / other[1]


def size_advice(mask: tuple[int, int], image: tuple[int, int]) -> str:
    """Say what to do about a mask (H,W) that has another size than its image (H,W)."""
    if mask == image[::-1]:
        return (" (an EXIF tag may turn the image, but the mask was drawn on it unturned: save it upright, without "
                "the tag): bring both to the same size")
    if same_aspect(mask, image):
        return ": bring both to the same size, or set dataset.resize_masks=true (nearest neighbour)"
    return ": it has another aspect, so it is no scaled copy: bring both to the same size"
