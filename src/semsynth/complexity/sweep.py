"""What the jobs of a sweep have found so far, as one table and one figure a data set."""

from __future__ import annotations

from pathlib import Path

from semsynth.complexity.figure import COLOURS, draw
from semsynth.complexity.measure import Record
from semsynth.complexity.record import load_all
from semsynth.complexity.tables import label, markdown
from semsynth.weights.files import write_text


def summarise(folder: Path) -> Path:
    """Write complexity.md, and layers_DATASET.png where networks can be compared; return the table's path."""
    records = load_all(folder)
    groups: dict[str, dict[str, Record]] = {}
    for record in records:  # the formulations of a network have the same layers
        groups.setdefault(record["setting"]["dataset"], {})[label(record)] = record
    for name, group in groups.items():
        if 1 < len(group) <= len(COLOURS):
            draw(list(group.values()), folder / f"layers_{name}.png")
    table = markdown(records)
    return write_text(folder / "complexity.md", table)
