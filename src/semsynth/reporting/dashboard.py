"""Pictures of what W&B shows of runs, from the files that they keep offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from semsynth.errors import ReportError
from semsynth.pictures.charts import as_written
from semsynth.pictures.grid import draw_grid
from semsynth.reporting.wandb_files import OfflineRun
from semsynth.training.wandb_logger import SAMPLES
from semsynth.weights.files import write_with

FACTS = ("group", "job_type", "tags")
COLUMNS, PANEL, DPI = 3, (4.2, 2.9), 110
NAME = 34  # letters of a run's name that a picture shows


def draw_runs(runs: Sequence[OfflineRun], path: Path) -> Path:
    """Draw the table of runs: group, job type, tags, and the last and best values of the scores."""
    summaries = [_numbers(run.summary) for run in runs]
    keys = sorted({key for summary in summaries for key in summary if key.startswith("score/")})
    header = ["run", *FACTS, *(key.removeprefix("score/").replace("/", "/\n").replace(".", "\n.") for key in keys)]
    rows = [[_short(run.name), run.group, run.job_type, ", ".join(run.tags),
             *(f"{summary[key]:.4g}" if key in summary else "" for key in keys)]
            for run, summary in zip(runs, summaries, strict=True)]
    figure = _figure(3.2 + 1.05 * (len(header) - 1), 0.9 + 0.3 * len(rows))
    axes = figure.add_subplot()
    axes.axis("off")
    widths = [3.0, *([1.0] * (len(header) - 1))]
    table = axes.table(rows, colLabels=header, loc="center", cellLoc="right",
                       colWidths=[width / sum(widths) for width in widths])
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (row, _), cell in table.get_celld().items():
        cell.set(edgecolor="0.85", facecolor="0.95" if row == 0 else "white", height=0.3 if row == 0 else 0.16)
    return _save(figure, path)


def draw_curves(runs: Sequence[OfflineRun], path: Path, metrics: Sequence[str] | None = None) -> Path:
    """Draw a panel for each metric, a curve for each run, over the metric's own axis.

    Args:
        runs: The runs.
        path: The PNG file.
        metrics: What to draw; None: the scores.

    Raises:
        ReportError: no run has logged such a metric.
    """
    there = sorted({key for run in runs for key in run.axes if run.curve(key)[1]})
    wanted = [key for key in there if key.startswith("score/")] if metrics is None else metrics
    chosen = [key for key in wanted if key in there]
    if not chosen:
        asked = "no scores were logged: name others by metrics=" if metrics is None else (
            f"metrics={','.join(wanted)}: no run has logged it")
        raise ReportError(f"{asked} (there are {', '.join(there) or 'none'})")
    lines = -(-len(chosen) // COLUMNS)
    figure = _figure(PANEL[0] * COLUMNS, PANEL[1] * lines + 0.3 * len(runs))
    for place, key in enumerate(chosen):
        axes = figure.add_subplot(lines, COLUMNS, place + 1)
        for index, run in enumerate(runs):
            x, y = run.curve(key)
            axes.plot(x, y, color=f"C{index % 10}", marker="o" if len(x) < 12 else None, markersize=3,
                      label=as_written(_short(run.name)) if place == 0 else None)
        axes.set_title(key, fontsize=10)
        axes.set_xlabel(next(run.axes[key] for run in runs if key in run.axes), fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=8, ncols=1)
    return _save(figure, path)


def draw_samples(runs: Sequence[OfflineRun], path: Path) -> Path | None:
    """Draw the tables of samples beside each other: label map, real, then what each run generated.

    Rows are the samples of the first run; a run that validates on others has empty cells.

    Returns:
        The path; None where no run has a table.
    """
    tables = [(_short(run.name), {row["sample"]: row for row in table})
              for run in runs if (table := run.table(SAMPLES)) is not None]
    if not tables:
        return None
    rows = []
    for sample, first in tables[0][1].items():
        empty = np.full_like(_image(first["labels"]), 255)
        generated = [_image(table[sample]["generated"]) if sample in table else empty for _, table in tables]
        rows.append([_image(first["labels"]), _image(first["real"]), *generated])
    names = [name.replace("+", " ").replace("_", " ") for name, _ in tables]
    grid = draw_grid(rows, ["labels", "real", *names], cell=128)
    return write_with(path, lambda file: grid.save(file, "PNG"))


def _image(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def _numbers(summary: dict[str, Any], path: str = "") -> dict[str, float]:
    """The numbers of a summary by name, as W&B names its columns: `score/miou.max`."""
    found: dict[str, float] = {}
    for key, value in summary.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            found |= _numbers(value, name)
        elif isinstance(value, int | float):
            found[name] = value
    return found


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[:NAME - 1]}…"


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    return write_with(path, lambda file: figure.savefig(file, format="png"))
