"""Finding runs and reading what they left."""

from __future__ import annotations

import csv
import glob
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from semsynth import runs
from semsynth.buildable import check_stored
from semsynth.errors import ReportError
from semsynth.reporting.setting import Config, setting_name
from semsynth.spelling import as_typed_here

SCORES, COMPLEXITY = "scores.json", "complexity.json"
FORMAT = 1  # of both files


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
        """Whether pictures can be drawn."""
        return self.config is not None and any((self.directory / runs.CHECKPOINTS).glob("*.ckpt"))


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
    config = _read(directory / runs.CONFIG, _configuration, "take it out of runs=, or train it again")
    if config is not None:
        try:
            setting_name(config), config["dataset"]["name"], config["size"][1]
        except (LookupError, TypeError, AttributeError) as error:
            path = directory / runs.CONFIG
            raise ReportError(f"{path} is no configuration of a training ({error}): take it out of runs=") from error
    again = f"make it again with {evaluation_command(directory)}"
    scores = _read(directory / name, json.loads, again)
    complexity = _read(directory / COMPLEXITY, json.loads, "delete it, and make it again with tools/complexity.py")
    for file, table, keys in ((name, scores, ("scores",)), (COMPLEXITY, complexity, ("parameters", "macs_bias"))):
        if table is not None and (table.get("format") != FORMAT or any(key not in table for key in keys)):
            raise ReportError(f"{directory / file} is not of format {FORMAT} with {', '.join(keys)}: made by another "
                              f"version of the code; delete it and make it again")
    return Run(directory, config, scores, complexity, _epochs_begun(directory / runs.METRICS))


def _configuration(text: str) -> Any:
    """A run's configuration, of which report.py builds the data set."""
    config = yaml.safe_load(text)
    check_stored(config)
    return config


def _read(path: Path, parse: Callable[[str], Any], way_out: str) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise ReportError(f"{path} cannot be read ({str(error).splitlines()[0]}): {way_out}") from error
    if not isinstance(value, dict):
        raise ReportError(f"{path} holds no table: {way_out}")
    return value


def _epochs_begun(path: Path) -> int | None:
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        epochs = [int(float(row["epoch"])) for row in csv.DictReader(file) if row.get("epoch")]
    return max(epochs) + 1 if epochs else None


def quoted(argument: str) -> str:
    """A key=value argument as it is typed in a shell for Hydra, quoted where the path needs it."""
    key, _, value = argument.partition("=")
    plain = all((c.isascii() and c.isalnum()) or c in "/._-+:@%" for c in value)
    return argument if plain else f"'{key}=\"{value}\"'"


def evaluation_command(directory: Path) -> str:
    """The command that makes a run's scores."""
    return as_typed_here(f"python evaluate.py {quoted(f'run={directory}')}")
