"""Masks of another size than their picture."""


def same_aspect(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether one (H,W) is the other, scaled and rounded to whole pixels."""
    height, width = size[0] / other[0], size[1] / other[1]
    return abs(height - width) <= 1 / other[0] + 1 / other[1]
