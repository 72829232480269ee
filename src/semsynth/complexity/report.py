"""What a measurement leaves: its record, and what is shown of it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from semsynth.complexity.figure import draw
from semsynth.complexity.measure import Record
from semsynth.complexity.record import save
from semsynth.complexity.sweep import summarise
from semsynth.complexity.tables import show


def keep(record: Record, folder: Path, console: Console, together: bool = False) -> Path:
    """Show a record and write it, its layers and their figure; return where the table of all that belongs to it is.

    Args:
        record: Of one network.
        folder: Where it is written.
        console: Where it is shown.
        together: Whether the records in the folders beside it belong to it, which then get a table and a figure too.
    """
    show(record, console)
    path = save(record, folder)
    draw([record], folder / "layers.png")
    return summarise(folder.parent) if together else path
