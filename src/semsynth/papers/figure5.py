"""Figure 5 of the CLADE paper: what the norms cost beside the convolutions, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from semsynth.complexity import published
from semsynth.complexity.figure import COLOURS, draw
from semsynth.complexity.tables import label
from semsynth.errors import ReportError
from semsynth.papers.results import Results, Section, Table

Record = dict[str, Any]
WORK = {"parameters": "parameters", "macs": "FLOPs"}


def ratios(records: Sequence[Record]) -> Table:
    """Cost of all norms over that of the convolutions after them: as published, counted as the paper does, as it is."""
    head = ["data set", "network", *(f"{words}, {how}" for words in WORK.values() for how in
                                     ("published", "ours", "ours, everything counted"))]
    rows = []
    for record in records:
        setting = record["setting"]
        theirs = published.FIGURE_5.get(setting["method"] or "", {}) if setting["dataset"] == "ade20k" else {}
        cells = [[f"{theirs[key]:.2%}" if key in theirs else "-",
                  *(f"{record['ratios'][convention][key]:.2%}" for convention in ("published", "measured"))]
                 for key in WORK]
        rows.append([setting["dataset"], label(record), *cells[0], *cells[1]])
    return Table(head, rows)


def highest(record: Record) -> tuple[str, float]:
    """The convolution beside which a network's norm has the most work, and how many times its own."""
    norms = [layer["ratios"] for layer in record["layers"] if layer["ratios"]]
    top = max(norms, key=lambda ratio: float(ratio["published"]["macs"]))
    return str(top["conv"]).removeprefix("blocks."), float(top["published"]["macs"])


class LayerCosts:
    """Draws the costs layer by layer, a picture for each data set, and makes the table of the ratios."""

    def __call__(self, results: Results) -> list[Section]:
        """Table and pictures.

        Raises:
            ReportError: nothing is measured yet.
        """
        groups: dict[str, dict[str, Record]] = {}
        for record in results.records:  # the formulations of a network have the same layers
            groups.setdefault(record["setting"]["dataset"], {}).setdefault(label(record), record)
        if not groups:
            raise ReportError("no network is measured yet, so there are no costs to draw")
        records = [record for group in groups.values() for record in group.values()]
        peaks = [f"{label(record)} on {record['setting']['dataset']}: `{name}`, {value:.4g} times its convolution's "
                 "work" for record in records for name, value in [highest(record)]]
        text = ("Counted as the paper does: weights without biases, every convolution as 3x3 (the 1x1 shortcuts, too), "
                "scale and shift as one operation an element, and left out beside SPADE's convolutions. *Everything "
                "counted*: all as it is. The highest layer of each: " + "; ".join(peaks)
                + " (published: 8.72 for SPADE on ADE20K).")
        sections = [Section("Norms over the convolutions after them", text, ratios(records))]
        for dataset, group in groups.items():
            path = results.picture("" if len(groups) == 1 else dataset)
            drawn = draw(list(group.values())[:len(COLOURS)], path)
            sections.append(Section(f"Layer by layer, {dataset}", picture=drawn))
        return sections
