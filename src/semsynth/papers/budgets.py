"""Scores of many settings at equal iterations and at equal time, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from semsynth.errors import ReportError
from semsynth.papers.curves import SCORES, at, draw_curves, parts_of, read_curve
from semsynth.papers.iteration_time import iteration_seconds
from semsynth.papers.results import Results, Section, Table
from semsynth.reporting.groups import group_runs

Curve = Mapping[str, np.ndarray]


class Budgets:
    """Each setting where it stands after as many iterations, and after as much CPU time, as one has for its training.

    Scores are those that were taken during training; see `curves.Curves` for the times.

    Args:
        reference: Name of the setting whose whole training is the budget.
    """

    def __init__(self, reference: str = "clade") -> None:
        self.reference = reference

    def __call__(self, results: Results) -> list[Section]:
        """See `results.Output`.

        Raises:
            ReportError: the reference is not trained yet.
        """
        groups = {group.name: group for group in group_runs(results.runs)}
        if self.reference not in groups:
            raise ReportError(f"no training of {self.reference} is done yet (done: {', '.join(groups) or 'none'})")
        curves: dict[str, Sequence[Curve]] = {name: [read_curve(run) for run in group.runs]
                                              for name, group in groups.items()}
        seconds = iteration_seconds({name: parts_of(group.runs[0]) for name, group in groups.items()},
                                    **({"batches": 6, "rounds": 1} if results.small else {"batches": 16, "rounds": 3}))
        budget = min(curve[key][-1, 0] for curve in curves[self.reference] for key in curve)
        text = (f"The budget is {self.reference}'s whole training: {budget:.0f} iterations, "
                f"{budget * seconds[self.reference]:.0f} s of CPU on one thread. Mean ± standard deviation over n "
                "seeds of the scores during training, read between two epochs linearly. Learning rates fall by each "
                "training's own plan, which for some is longer than the budget. A training that is shorter than the "
                "budget is read at its end, marked *. Seconds of an iteration are medians, measured in turns.")
        table = Table(_head(curves), _rows(curves, seconds, budget, self.reference))
        picture = draw_curves(curves, seconds, results.picture("budgets"))
        return [Section("Equal iterations, equal time", text, table, picture)]


def _keys(curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    return [key for key in SCORES if all(key in curve for some in curves.values() for curve in some)]


def _head(curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    titles = [SCORES[key][0] for key in _keys(curves)]
    return ["setting", "n", "CPU s / iteration", *(f"{title}, equal iterations" for title in titles),
            "iterations in equal time", *(f"{title}, equal time" for title in titles)]


def _rows(curves: Mapping[str, Sequence[Curve]], seconds: Mapping[str, float], budget: float, reference: str
          ) -> list[list[str]]:
    """A row for each setting, the fastest first."""
    rows = []
    for name in sorted(curves, key=lambda name: seconds[name]):
        within = budget * seconds[reference] / seconds[name]
        rows.append([name, str(len(curves[name])), f"{seconds[name]:.3f}",
                     *(_read(curves[name], key, budget) for key in _keys(curves)), f"{within:.0f}",
                     *(_read(curves[name], key, within) for key in _keys(curves))])
    return rows


def _read(curves: Sequence[Curve], key: str, iterations: float) -> str:
    values = [at(curve[key], iterations) for curve in curves]
    short = any(curve[key][-1, 0] < iterations - 0.5 for curve in curves)
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}{'*' if short else ''}"
