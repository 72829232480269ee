"""Runs of one setting with different seeds, and their scores together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from semsynth.reporting.collect import Run
from semsynth.reporting.costs import read_cost
from semsynth.reporting.setting import Config, differences, rank, setting_key, transition


@dataclass(frozen=True)
class Statistic:
    """Mean, least, greatest and number of values, and their standard deviation (n - 1); None for a single one."""

    mean: float
    low: float
    high: float
    count: int
    deviation: float | None = None


@dataclass(frozen=True)
class Group:
    """Runs that share a setting except for the seed.

    Attributes:
        name: the setting's name; with `[key=value]` where other groups of that name differ there.
        runs: in the order of their seeds.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return self.runs[0].dataset

    @property
    def config(self) -> Config | None:
        """The configuration of the first run."""
        return self.runs[0].config

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels."""
        return (int(self.config["size"][0]), int(self.config["size"][1])) if self.config else None

    @property
    def epochs(self) -> int | None:
        """Epochs of the training."""
        return self.config.get("epochs") if self.config else None

    @property
    def transition(self) -> int | None:
        """See `setting.transition`."""
        return transition(self.config) if self.config else None

    @property
    def scored(self) -> int:
        """Number of runs with scores."""
        return sum(run.scores is not None for run in self.runs)

    def score(self, key: str) -> Statistic | None:
        """A score over the seeds; None where no run has it."""
        return statistic(run.scores["scores"].get(key) for run in self.runs if run.scores)

    def cost(self, key: str) -> Statistic | None:
        """A cost over the seeds, see `costs.read_cost`."""
        return statistic(read_cost(run.complexity, key) for run in self.runs)


def statistic(values: Iterable[Any]) -> Statistic | None:
    """Put together the values that are finite numbers; None where there are none."""
    numbers = [float(v) for v in values if isinstance(v, int | float) and math.isfinite(v)]
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    deviation = stdev(numbers) if len(numbers) > 1 else None
    mean = min(max(fmean(numbers), low), high)  # rounding must not lead outside
    return Statistic(mean, low, high, len(numbers), deviation)


def group_runs(runs: Sequence[Run]) -> list[Group]:
    """Group runs by setting, sorted by data set, size and name. A folder of pictures is a group of its own."""
    by_key: dict[str, list[Run]] = {}
    for run in runs:
        by_key.setdefault(setting_key(run.config) if run.config else str(run.directory), []).append(run)
    groups = [Group(members[0].name, tuple(sorted(members, key=lambda run: run.seed))) for members in by_key.values()]
    groups = [named for same in _together(groups) for named in _told_apart(same)]
    return sorted(groups, key=lambda g: (g.dataset, g.size or (0, 0), rank(g.name), g.epochs or 0))


def _together(groups: Sequence[Group]) -> list[list[Group]]:
    """Groups that the columns of a table would not tell apart."""
    found: dict[tuple[Any, ...], list[Group]] = {}
    for group in groups:
        found.setdefault((group.dataset, group.size, group.epochs, group.name), []).append(group)
    return list(found.values())


def _told_apart(groups: list[Group]) -> list[Group]:
    if len(groups) == 1:
        return groups
    words = differences([group.config or {} for group in groups])
    return [Group(f"{group.name} [{word}]" if word else group.name, group.runs)
            for group, word in zip(groups, words, strict=True)]
