"""Pictures of label maps beside what was made of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 4  # pixels between cells
HEADER = 16  # pixels of the line above the columns
LINE = 12  # pixels of every further line of titles
LEGEND = 16  # pixels of a line of the legend


def colour_labels(labels: np.ndarray, colours: Sequence[Sequence[int]]) -> np.ndarray:
    """Label map (H,W) in [0, len(colours)) -> RGB (H,W,3) uint8."""
    return np.asarray(colours, np.uint8)[labels]


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Image (3,H,W) in [-1,1] -> RGB (H,W,3) uint8; values outside are clipped, NaN becomes black."""
    scaled = np.nan_to_num((np.clip(image, -1, 1) + 1) * 127.5, nan=0.0)
    return scaled.round().astype(np.uint8).transpose(1, 2, 0)


def draw_grid(
    rows: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
    legend: Sequence[tuple[str, Sequence[int]]] = (),
    cell: int = 96,
) -> Image.Image:
    """Draw one row a sample and one titled column a kind, with the class colours below.

    Args:
        rows: For each sample the cells, RGB (H,W,3) uint8, all of one size.
        titles: One for each column, broken at spaces where the column is narrower.
        legend: Class names and colours.
        cell: Smaller images are enlarged by a whole factor (nearest) until their shorter side has this many pixels.

    Raises:
        ValueError: no rows, or a row that does not have one cell for each title.
    """
    if not rows or any(len(row) != len(titles) for row in rows):
        raise ValueError(f"a grid needs rows of {len(titles)} cells ({', '.join(titles)})")
    height, width = rows[0][0].shape[:2]
    factor = max(1, -(-cell // min(height, width)))
    height, width = height * factor, width * factor
    total = len(titles) * (width + GAP) + GAP
    keys = _legend_places(legend, total)
    lines = 1 + keys[-1][1] if keys else 0
    font = ImageFont.load_default()
    broken = [_lines(title, width, font) for title in titles]
    header = HEADER + LINE * (max(map(len, broken)) - 1)
    top = header + len(rows) * (height + GAP)
    canvas = Image.new("RGB", (total, top + lines * LEGEND + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for column, title in enumerate(broken):
        for line, words in enumerate(title):
            draw.text((GAP + column * (width + GAP), 3 + LINE * line), words, "black", font)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            large = Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST)
            canvas.paste(large, (GAP + x * (width + GAP), header + y * (height + GAP)))
    for (name, colour), (left, line) in zip(legend, keys, strict=True):
        y = top + line * LEGEND
        draw.rectangle((left, y + 2, left + 10, y + 12), tuple(colour), "black")
        draw.text((left + 14, y + 1), name, "black", font)
    return canvas


def _lines(title: str, width: int, font: Any) -> list[str]:
    """The title in lines of at most `width` pixels, as far as its words allow."""
    first, *others = title.split(" ")
    lines = [first]
    for word in others:
        longer = f"{lines[-1]} {word}"
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _legend_places(legend: Sequence[tuple[str, Sequence[int]]], total: int) -> list[tuple[int, int]]:
    """Left edge in pixels and line of every entry."""
    font = ImageFont.load_default()
    places, left, line = [], GAP, 0
    for name, _ in legend:
        width = 14 + int(font.getlength(name)) + 10
        if left > GAP and left + width > total:
            left, line = GAP, line + 1
        places.append((left, line))
        left += width
    return places
