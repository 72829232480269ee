"""What an evaluation draws: IoU against class frequency, and the confusion of a run's own segmenter."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np

from semsynth.evaluation.segmenter_scores import Answers
from semsynth.weights.files import write_with

DPI = 120
NAMED = 60  # classes up to which the names can be read
NUMBERED = 20  # classes up to which cells hold numbers


class PerClass(TypedDict):
    """Scores of single classes: IoU, None where a class occurs nowhere, and shares of the counted label pixels."""

    iou: dict[str, float | None]
    frequency: dict[str, float]


def plot_iou(path: Path, per_class: PerClass) -> None:
    """A PNG: IoU of every class against its share of the label pixels (logarithmic)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    points = [(per_class["frequency"][name], iou, name) for name, iou in per_class["iou"].items()
              if iou is not None]
    shown = [(share, iou, name) for share, iou, name in points if share > 0]
    axes.scatter([share for share, _, _ in shown], [iou for _, iou, _ in shown], s=18, color="tab:blue")
    if len(shown) <= 40:
        for share, iou, name in shown:
            axes.annotate(name, (share, iou), xytext=(4, 3), textcoords="offset points", fontsize=8,
                          parse_math=False)
    axes.set(xscale="log", ylim=(-0.02, 1.02), xlabel="share of the label pixels", ylabel="IoU")
    axes.grid(alpha=0.3)
    write_with(path, lambda file: figure.savefig(file, format="png", dpi=DPI))


def plot_confusion(path: Path, segmenter: Answers) -> None:
    """A PNG: the confusion matrix, every row as shares of the pixels of its class.

    Args:
        path: The file.
        segmenter: What it answered. Above `NAMED` classes the axes count
            them in place of their names.
    """
    from matplotlib.figure import Figure

    matrix = np.asarray(segmenter["confusion"], dtype=np.float64)
    shares = matrix / matrix.sum(1, keepdims=True).clip(min=1)
    rows, columns = shares.shape
    height = min(14.0, 3 + 0.38 * rows)
    figure = Figure(figsize=(height * max(1.0, columns / rows) + 0.8, height), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, shrink=0.8, label="share of the class's pixels")
    axes.set(xlabel="the segmenter's answer", ylabel="class of the real image")
    if columns <= NAMED:
        axes.set_xticks(range(columns), segmenter["answers"], rotation=60, ha="right", rotation_mode="anchor",
                        fontsize=8, parse_math=False)
        axes.set_yticks(range(rows), segmenter["classes"], fontsize=8, parse_math=False)
    if columns <= NUMBERED:
        for row, column in np.argwhere(shares >= 0.01):
            axes.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", fontsize=7,
                      color="white" if shares[row, column] > 0.55 else "black")
    write_with(path, lambda file: figure.savefig(file, format="png", dpi=DPI))
