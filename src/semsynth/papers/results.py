"""What a study has made when its page is written, and the sections of that page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from semsynth.reporting.collect import Run


@dataclass(frozen=True)
class Results:
    """What the jobs of a study have left.

    Attributes:
        name: The study's name, as in `experiments=NAME`; its files in `folder` begin with it.
        runs: Run directories of its trainings, with scores where they were asked for.
        records: What tools/complexity.py wrote for each of its measurements.
        folder: Where page, tables and pictures go.
        small: Whether this is the cut-down form, of a few iterations.
    """

    name: str
    runs: tuple[Run, ...]
    records: tuple[dict[str, Any], ...]
    folder: Path
    small: bool = False

    def picture(self, what: str = "") -> Path:
        """Path of a picture: `folder/NAME.png`, or `folder/NAME_WHAT.png`."""
        return self.folder / f"{self.name}{what and '_'}{what}.png"


@dataclass(frozen=True)
class Table:
    """A table of the page, which is also written as CSV.

    Attributes:
        head: Headings of the columns, with their units.
        rows: Cells as shown, as many as headings.
        unrounded: The CSV, where it holds more than what is shown; None: what is shown.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    unrounded: str | None = None


@dataclass(frozen=True)
class Section:
    """A section of the page, in this order: heading, text, table, picture.

    Attributes:
        heading: Its heading.
        text: Markdown.
        table: A table, or None.
        picture: A PNG below the study's folder, or None.
    """

    heading: str
    text: str = ""
    table: Table | None = None
    picture: Path | None = None


class Output(Protocol):
    """Makes the sections of a study's page; `output._target_` in its yaml names one."""

    def __call__(self, results: Results) -> list[Section]:
        """Draw pictures into `results.folder` and return the sections.

        Raises:
            ReportError: what is needed is missing; says which command makes it.
        """
        ...
