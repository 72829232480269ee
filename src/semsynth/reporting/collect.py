"""Finding runs and reading what they left."""

from __future__ import annotations

import csv
import glob
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsynth import runs
from semsynth.class_names import fault_of
from semsynth.errors import ConfigError, ReportError
from semsynth.reporting.costs import COSTS, read_cost
from semsynth.reporting.setting import Config, setting_key, setting_name
from semsynth.runs.directory import SUFFIXES
from semsynth.spelling import named, typed

SCORES, COMPLEXITY = "scores.json", "complexity.json"
FORMAT = 1  # of both files
LARGEST = 2**26  # characters of a file of ours


@dataclass(frozen=True)
class Run:
    """A run directory as read, or a folder with the scores of pictures that somebody else made.

    Attributes:
        directory: the directory.
        config: its configuration; None for a folder of pictures.
        scores: what evaluate.py wrote; None where it has not run.
        complexity: what tools/complexity.py wrote; None likewise.
        epochs: epochs begun so far, by metrics.csv; None where that does not say.
    """

    directory: Path
    config: Config | None
    scores: dict[str, Any] | None
    complexity: dict[str, Any] | None
    epochs: int | None

    @property
    def name(self) -> str:
        """The setting's name; of a folder of pictures the folder's."""
        return setting_name(self.config) if self.config else self.directory.name

    @property
    def dataset(self) -> str:
        """The data set's name."""
        return str(self.config["dataset"]["name"] if self.config else (self.scores or {}).get("dataset", "unknown"))

    @property
    def seed(self) -> int:
        """The seed of the training, 0 for a folder of pictures."""
        return int(self.config.get("seed", 0)) if self.config else 0

    @property
    def has_checkpoint(self) -> bool:
        """Whether pictures of its data can be drawn; an import of others' weights knows no data."""
        kept = (self.directory / runs.CHECKPOINTS).glob("*")
        return (self.config is not None and "val" in self.config["dataset"]
                and any(file.suffix in SUFFIXES for file in kept))


def find_runs(patterns: str | Sequence[str]) -> list[Path]:
    """Directories of runs: each pattern is one, a folder somewhere below which they lie, or a glob of either.

    Raises:
        ReportError: a pattern finds none.
    """
    found: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        plain = Path(pattern).expanduser()
        matches = [plain] if plain.is_dir() else [Path(p) for p in sorted(glob.glob(str(plain), recursive=True))]
        here = [run for match in matches if match.is_dir() for run in _runs_below(match)]
        if not here:
            what = "holds no run directory" if matches else "there is no such directory"
            raise ReportError(f"runs={pattern}: {what} (a run directory holds {runs.CONFIG} or {SCORES})")
        found |= dict.fromkeys(here)
    return list(found)


def _runs_below(folder: Path) -> list[Path]:
    if any((folder / name).is_file() for name in (runs.CONFIG, SCORES)):
        return [folder]
    return [run for child in sorted(folder.iterdir()) if child.is_dir() and not child.is_symlink()
            for run in _runs_below(child)]


def read_runs(directories: Iterable[Path], scores: str = SCORES) -> list[Run]:
    """Read run directories.

    Args:
        directories: Of the runs.
        scores: Name of the file with the scores in each, where they are not those of scores.json.

    Raises:
        ReportError: a file is broken; names it.
    """
    return [read_run(directory, scores) for directory in directories]


def read_run(directory: Path, name: str = SCORES) -> Run:
    """Read a run directory; see `read_runs`."""
    config = _configuration(directory)
    again = f"make it again with {evaluation_command(directory)}"
    scores = _read(directory / name, json.loads, again)
    complexity = _read(directory / COMPLEXITY, json.loads, "delete it, and make it again with tools/complexity.py")
    for file, table, keys in ((name, scores, ("scores",)), (COMPLEXITY, complexity, ("parameters", "macs_bias"))):
        if table is not None and (table.get("format") != FORMAT or any(key not in table for key in keys)):
            raise ReportError(f"{directory / file} is not of format {FORMAT} with {', '.join(keys)}: made by another "
                              f"version of the code; delete it and make it again")
    if scores is not None:
        _check_scores(scores, directory / name, again)
    if complexity is not None:
        _tried(directory / COMPLEXITY, "says nothing of costs", "delete it, and make it again with tools/complexity.py",
               lambda: [read_cost(complexity, key) for key in COSTS] + [dict(complexity.get("runtime") or {})])
    return Run(directory, config, scores, complexity, _epochs_begun(directory / runs.METRICS))


def _configuration(directory: Path) -> Config | None:
    """A run's configuration, of which report.py builds the data set; None for a folder of pictures."""
    path = directory / runs.CONFIG
    if not path.exists():
        return None
    try:
        config = runs.Run(directory).plain
    except ConfigError as error:
        raise ReportError(f"{error}: take it out of runs=, or train it again") from error
    _tried(path, "is no configuration of a training", "take it out of runs=",
           lambda: (setting_name(config), setting_key(config), config["dataset"]["name"], config["size"][1]))
    return config


def _check_scores(scores: dict[str, Any], path: Path, way_out: str) -> None:
    """Check what is read of scores: numbers by their keys, the data set's name, the protocol.

    Raises:
        ReportError: one is something else; names the file.
    """
    values, name = scores["scores"], scores.get("dataset", "unknown")
    fine = isinstance(values, dict) and isinstance(scores.get("protocol", {}), dict) and all(
        isinstance(value, int | float | None) and not isinstance(value, bool) for value in values.values())
    if not fine or fault_of(name) or set(name) & set("/\\"):
        raise ReportError(f"{path} holds no scores as evaluate.py writes them: {way_out}")


def _tried(path: Path, what: str, way_out: str, read: Callable[[], Any]) -> None:
    """Read from a file's values once what is read later, to name the file where they are of other kinds.

    Raises:
        ReportError: they are.
    """
    try:
        read()
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ReportError(f"{path} {what} ({error!r:.150}): {way_out}") from error


def _read(path: Path, parse: Callable[[str], Any], way_out: str) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
        value = parse(text)
    except (ValueError, OSError, RecursionError) as error:
        raise ReportError(f"{path} cannot be read ({str(error).splitlines()[0]}): {way_out}") from error
    if not isinstance(value, dict):
        raise ReportError(f"{path} holds no table: {way_out}")
    return value


def _epochs_begun(path: Path) -> int | None:
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8") as file:
            epochs = [int(float(row["epoch"])) for row in csv.DictReader(file) if row.get("epoch")]
    except (ValueError, OverflowError, OSError, csv.Error) as error:
        raise ReportError(f"{path} cannot be read ({error}): take it away, the table does without") from error
    return max(epochs) + 1 if epochs else None


def evaluation_command(directory: Path) -> str:
    """The command that makes a run's scores."""
    return typed(["evaluate", named("run", directory)])
