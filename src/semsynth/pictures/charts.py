"""What the figures share: pictures of label maps and of images in a matplotlib figure, legends, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from semsynth.weights.files import write_with

DPI = 110
MOST = 24  # classes of a legend; the rarest of more are left out


def new_figure(rows: int, columns: int, cell: tuple[float, float] = (2.1, 2.1)) -> tuple[Figure, np.ndarray]:
    """A figure of `rows` x `columns` axes, each `cell` (width, height) inches large, with room for a legend below."""
    figure = Figure(figsize=(columns * cell[0] + 0.6, rows * cell[1] + 0.9), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def show(axes: Axes, picture: np.ndarray, title: str = "", **how: Any) -> Any:
    """An image (h,w) or (h,w,3) without ticks, enlarged without smoothing."""
    axes.set_xticks([])
    axes.set_yticks([])
    if title:
        axes.set_title(title, fontsize=9)
    return axes.imshow(picture, interpolation="nearest", **how)


def class_legend(figure: Figure, labels: np.ndarray, classes: Sequence[str], colours: Sequence[Sequence[int]]) -> None:
    """Names and colours of the classes that occur in label maps, below the figure."""
    values, counts = np.unique(labels, return_counts=True)
    shown = sorted(values[np.argsort(-counts, kind="stable")[:MOST]])
    patches(figure, [(classes[k], np.divide(colours[k], 255)) for k in shown])


def patches(figure: Figure, entries: Iterable[tuple[str, Any]]) -> None:
    """A legend of names and colours below the figure."""
    names, colours = zip(*entries, strict=True)
    handles = [Patch(facecolor=colour, edgecolor="black", linewidth=0.5, label="name") for colour in colours]
    columns = max(3, min(len(handles), int(figure.get_figwidth() / 1.1)))
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)
    for text, name in zip(legend.get_texts(), names, strict=True):  # $ is no formula, and _ hides no entry
        text.set_parse_math(False)
        text.set_text(name)


def as_written(text: str) -> str:
    """A text in which matplotlib sees no formulas."""
    return text.replace("$", r"\$")


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG; return its path."""
    return write_with(path, lambda file: figure.savefig(file, format="png"))
