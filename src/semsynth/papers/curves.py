"""Scores of settings while they train: at equal iterations and at equal time, over seeds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semsynth import runs
from semsynth.errors import ReportError
from semsynth.papers.iteration_time import iteration_seconds
from semsynth.papers.paired import HEAD, compare, interval, least_sign_flip, with_interval
from semsynth.papers.results import Results, Section, Table
from semsynth.papers.trained import matched
from semsynth.pictures.charts import new_figure, save
from semsynth.reporting.collect import Run

SCORES = {"score/miou": ("mIoU %", 100.0), "score/accuracy": ("accuracy %", 100.0),
          "score/frechet/scenes_segmenter": ("frechet/scenes_segmenter", 1.0)}


class Curves:
    """Two settings against each other at equal iterations and at equal time.

    Scores are those that were taken during training. Times are CPU seconds of an iteration, measured anew in turns: a
    training on a shared machine says little of them.

    Args:
        first: Name of a setting.
        second: Name of the one it is compared with.
    """

    def __init__(self, first: str = "clade", second: str = "spade") -> None:
        self.first, self.second = first, second

    def __call__(self, results: Results) -> list[Section]:
        """See `results.Output`."""
        pairs = matched(results.runs, self.first, self.second, drawn=False)
        names = (self.first, self.second)
        curves = {name: [read_curve(pair[index]) for pair in pairs] for index, name in enumerate(names)}
        seconds = iteration_seconds({name: parts_of(pairs[0][index]) for index, name in enumerate(names)},
                                    **({"batches": 8, "rounds": 1} if results.small else {}))
        picture = draw_curves(curves, seconds, results.picture("curves"))
        rows = _rows(curves, seconds)
        fast, slow = seconds[self.first], seconds[self.second]
        text = (f"Seeds {', '.join(str(a.seed) for a, _ in pairs)}; mean ± half width of the 95 % interval over them. "
                f"An iteration takes {fast:.3f} s of CPU with {self.first} and {slow:.3f} s with {self.second}, "
                f"{slow / fast:.2f} times as long (medians, one thread, measured in turns). At equal time the slower "
                "one is read where it stands after as many seconds as the faster one's whole training; between two "
                "epochs linearly. Its learning rates have not fallen as far by then as those of a training planned for "
                f"that time. Turning signs of {len(pairs)} differences cannot give a p below "
                f"{least_sign_flip(len(pairs)):g}.")
        return [Section(f"{self.second} against {self.first}, equal iterations and equal time", text,
                        Table(["score", "compared at", self.first, self.second, *HEAD], rows), picture)]


def read_curve(run: Run) -> dict[str, np.ndarray]:
    """Score -> (E,2) iterations and values, from a run's metrics.csv.

    Raises:
        ReportError: it has no scores.
    """
    path = run.directory / runs.METRICS
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {key: np.array([(int(row["step"]) + 1, factor * float(row[key])) for row in rows if row.get(key)])
             for key, (_, factor) in SCORES.items()}
    found = {key: values for key, values in found.items() if len(values)}
    if not found:
        raise ReportError(f"{path} holds no scores: train with scores=scenes")
    return found


def at(curve: np.ndarray, iterations: float) -> float:
    """The value (linear between the points, the nearest end outside of them) of a curve (E,2)."""
    return float(np.interp(iterations, curve[:, 0], curve[:, 1]))


def _rows(curves: Mapping[str, Sequence[Mapping[str, np.ndarray]]], seconds: Mapping[str, float]) -> list[list[str]]:
    (first, before), (second, after) = curves.items()
    rows = []
    for key, (title, _) in SCORES.items():
        if not all(key in curve for curve in (*before, *after)):
            continue
        last = min(curve[key][-1, 0] for curve in (*before, *after))
        budget = last * min(seconds.values())
        places = {f"{last:.0f} iterations": (last, last),
                  f"{budget:.0f} s of CPU": (budget / seconds[first], budget / seconds[second])}
        for words, (one, other) in places.items():
            a, b = ([at(curve[key], where) for curve in some] for some, where in ((before, one), (after, other)))
            rows.append([title, words, with_interval(a), with_interval(b), *compare(a, b).cells()])
    return rows


def parts_of(run: Run) -> tuple[Any, Any]:
    """System and loaders of a run's configuration, without what it logs and keeps."""
    cfg = runs.Run(run.directory).config
    cfg.logger, cfg.callbacks = {}, {}
    _, system, data = runs.build(cfg)
    return system, data


def draw_curves(curves: Mapping[str, Sequence[Mapping[str, np.ndarray]]], seconds: Mapping[str, float], path: Path
                ) -> Path:
    """A row of panels over iterations, one over seconds; bars are 95 % intervals, where there are several seeds."""
    keys = [key for key in SCORES if all(key in curve for some in curves.values() for curve in some)]
    figure, panels = new_figure(2, len(keys), (4.2, 2.9))
    for line, by_time in zip(panels, (False, True), strict=True):
        for axes, key in zip(line, keys, strict=True):
            for index, (name, some) in enumerate(curves.items()):
                steps = some[0][key][:, 0]
                stats = [interval([at(curve[key], step) for curve in some]) for step in steps]
                axes.errorbar(steps * (seconds[name] if by_time else 1), [mean for mean, _ in stats],
                              [reach if np.isfinite(reach) else 0 for _, reach in stats],
                              color=f"C{index}", marker="o", markersize=3, capsize=3, label=name)
            axes.set(xlabel="CPU seconds" if by_time else "iterations", title=SCORES[key][0])
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8)
    return save(figure, path)
