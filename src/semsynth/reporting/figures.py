"""The comparison as pictures: quality against time, and mIoU against the transition from SPADE to CLADE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from semsynth.pictures.charts import as_written
from semsynth.reporting.groups import Group, Statistic
from semsynth.reporting.published import ROWS
from semsynth.reporting.table import score_keys, score_of, title
from semsynth.weights.files import write_with

SIZE, DPI = (7.2, 4.2), 150
SHAPES = "os^Dv"  # one for each ten colours


def distance_key(groups: Sequence[Group]) -> str | None:
    """The Fréchet distance that most groups have: against training images first, as CLADE's authors measure."""
    keys = [key for key in score_keys(groups) if key.startswith(("fid/", "frechet/"))]
    preference = ("fid/train", "fid/val")
    return max(keys, default=None, key=lambda key: (
        sum(group.score(key) is not None for group in groups), -preference.index(key) if key in preference else -9))


def draw_runtime(groups: Sequence[Group], path: Path) -> Path | None:
    """Draw the Fréchet distance over the time for an image, a point a setting; None where no setting has both."""
    key = distance_key(groups)
    if key is None:
        return None
    points = [(group.name, cost, score) for group in groups
              if (cost := group.cost("runtime")) and (score := score_of(group, key))]
    if not points:
        return None
    figure, axes = _axes(title("runtime"), f"{key} (lower is better)", groups[0].dataset)
    for index, (name, cost, score) in enumerate(points):
        colour, shape = f"C{index % 10}", SHAPES[index // 10 % len(SHAPES)]
        _point(axes, cost.mean, score, cost, colour=colour, shape=shape, label=as_written(name))
    figure.legend(loc="outside right upper", fontsize=8)
    return _save(figure, path)


def draw_transitions(groups: Sequence[Group], path: Path) -> Path | None:
    """Draw mIoU over the number of SPADE blocks, a curve for each length of training, beside the published one.

    Returns:
        The path; None below two points.
    """
    curves: dict[int | None, list[tuple[int, Statistic]]] = {}
    for group in groups:
        if (k := group.transition) is not None and (score := score_of(group, "miou")):
            curves.setdefault(group.epochs, []).append((k, score))
    if sum(map(len, curves.values())) < 2:
        return None
    figure, axes = _axes("SPADE in the first k blocks, CLADE after", title("miou"), groups[0].dataset)
    for index, (epochs, points) in enumerate(curves.items()):
        points.sort(key=lambda point: point[0])
        axes.plot([k for k, _ in points], [score.mean for _, score in points], color=f"C{index}",
                  label=f"ours, {epochs} epochs")
        for k, score in points:
            _point(axes, k, score, colour=f"C{index}")
    published = [(int(row.setting.rpartition(" ")[2]), row) for row in ROWS
                 if row.dataset == groups[0].dataset and row.setting.startswith("mixed transition ")]
    if published:
        axes.plot([k for k, _ in published], [row.scores["miou"] for _, row in published], "o--", color="0.5",
                  label=published[0][1].source)
    if published or len(curves) > 1:
        figure.legend(loc="outside lower center", fontsize=8, ncols=2)
    return _save(figure, path)


def _axes(x: str, y: str, name: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y, title=as_written(name))
    axes.grid(alpha=0.3)
    return figure, axes


def _point(axes: Axes, x: float, y: Statistic, spread: Statistic | None = None, *, colour: str, shape: str = "o",
           label: str | None = None) -> None:
    """A point whose bars reach from the least to the greatest value."""
    across = None if spread is None else [[spread.mean - spread.low], [spread.high - spread.mean]]
    up = [[y.mean - y.low], [y.high - y.mean]]
    axes.errorbar([x], [y.mean], yerr=up, xerr=across, fmt=shape, color=colour, capsize=3, label=label)


def _save(figure: Figure, path: Path) -> Path:
    return write_with(path, lambda file: figure.savefig(file, format="png"))
