"""What the jobs of a sweep have found so far, as one table and one figure a data set."""

from __future__ import annotations

from pathlib import Path

from semsynth.evaluation.complexity.figure import COLOURS, draw
from semsynth.evaluation.complexity.measure import Record
from semsynth.evaluation.complexity.record import load_all
from semsynth.evaluation.complexity.tables import markdown
from semsynth.files import write_text


def summarise(folder: Path) -> Path:
    """Write complexity.md, and layers_DATASET.png where networks can be compared; return the table's path."""
    records = load_all(folder)
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["setting"]["dataset"], []).append(record)
    for name, group in groups.items():
        if 1 < len(group) <= len(COLOURS):
            draw(group, folder / f"layers_{name}.png")
    table = markdown(records)
    return write_text(folder / "complexity.md", table)
