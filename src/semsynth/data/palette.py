"""Colours for classes that have none of their own."""

import colorsys

Colour = tuple[int, int, int]


def generated_palette(count: int, unknown: int | None = None) -> list[list[int]]:
    """Return `count` distinct colours (red, green, blue; 0..255), always the same ones; the unknown class is black.

    Hues follow the golden ratio, so that neighbouring ids differ most; saturation and value alternate over three rows.

    Raises:
        ValueError: `count` is below 1, or there are not that many colours.
    """
    if not 1 <= count < 2**24:
        raise ValueError(f"count must be >= 1 and below {2**24}, got {count}")
    palette: list[list[int]] = []
    seen: set[Colour] = {(0, 0, 0)}
    step = 0
    while len(palette) < count:
        if len(palette) == unknown:
            palette.append([0, 0, 0])
            continue
        hue = (0.58 + step * 0.61803398875) % 1
        saturation, value = ((0.65, 0.85), (0.45, 0.65), (0.85, 0.55), (0.35, 0.95))[step % 4]
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))
        step += 1
        while (red, green, blue) in seen:  # after thousands the hues are used up: the next free colours then
            packed = ((red << 16 | green << 8 | blue) + 1) % 2**24
            red, green, blue = packed >> 16, packed >> 8 & 255, packed & 255
        seen.add((red, green, blue))
        palette.append([red, green, blue])
    return palette
