"""A table of what networks cost, the published numbers beside ours, and how much SPADE costs more than CLADE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from semsynth.complexity import published
from semsynth.complexity.tables import compared, label
from semsynth.complexity.tables import formulation as formulation_of
from semsynth.errors import ReportError
from semsynth.papers.results import Results, Section, Table

Record = dict[str, Any]

# published times of a Titan XP, beside ours of whatever device there is
TITAN_XP = {"time (s/image)": "runtime", "in the backbone (s)": "backbone_runtime", "in the norms (s)": "norm_runtime"}
TEXT = ("Formulation `published` computes what the released networks compute, `fast` is ours with the same results; "
        "parameters and operations are the same. FLOPs of the papers are multiply-accumulates and an addition for "
        "every element that a bias is added to.")


class Costs:
    """Makes the table of all networks that were measured.

    Args:
        columns: Headings that are shown, as `complexity.tables` has them; None: all.
        ratio: Heading of the cost of which SPADE's is divided by CLADE's for each data set and formulation; None: no
            such section.
    """

    def __init__(self, columns: Sequence[str] | None = None, ratio: str | None = None) -> None:
        self.columns, self.ratio = columns, ratio

    def __call__(self, results: Results) -> list[Section]:
        """The table, and the ratios.

        Raises:
            ReportError: nothing is measured yet.
        """
        if not results.records:
            raise ReportError("no network is measured yet, so there is no table of costs")
        rows = [(record, _values(record)) for record in results.records]
        found = list(dict.fromkeys(heading for _, values in rows for heading in values))
        headings = found if self.columns is None else [heading for heading in self.columns if heading in found]
        theirs = {heading: any(values.get(heading, ("", ""))[1] for _, values in rows) for heading in headings}
        head, lines = ["data set", "network", "formulation"], []
        for heading in headings:
            head += [heading, _beside(heading)] if theirs[heading] else [heading]
        for record, values in rows:
            line = [record["setting"]["dataset"], label(record), formulation_of(record)]
            for heading in headings:
                ours, other = values.get(heading, ("-", ""))
                line += [ours, other or "-"] if theirs[heading] else [ours]
            lines.append(line)
        sections = [Section("Costs", "\n\n".join([TEXT, *_measured_on(results.records)]), Table(head, lines))]
        return sections + ([_ratios(rows, self.ratio)] if self.ratio else [])


def _values(record: Record) -> dict[str, tuple[str, str]]:
    """Heading -> our number and the published one."""
    setting = record["setting"]
    costs = published.costs(setting["dataset"], setting["method"]) if setting["method"] else {}
    found = {}
    for heading, ours, theirs in compared(record):
        other = costs.get(TITAN_XP.get(heading, ""))
        found[heading] = (ours, theirs or (f"{other:g}" if other is not None else ""))
    return found


def _beside(heading: str) -> str:
    return "published, Titan XP" if heading in TITAN_XP else "published"


def _ratios(rows: Sequence[tuple[Record, dict[str, tuple[str, str]]]], heading: str) -> Section:
    cells: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for record, values in rows:
        if record["setting"]["method"] in ("spade", "clade") and heading in values:
            key = record["setting"]["dataset"], formulation_of(record)
            cells.setdefault(key, {})[record["setting"]["method"]] = values[heading]
    lines = [[dataset, formulation, *(_quotient(found["spade"][i], found["clade"][i]) for i in (0, 1))]
             for (dataset, formulation), found in cells.items() if len(found) == 2]
    return Section(f"SPADE over CLADE: {heading}", table=Table(["data set", "formulation", "ours", "published"], lines))


def _quotient(above: str, below: str) -> str:
    return f"{float(above) / float(below):.2f}" if above and below and float(below) else "-"


def _measured_on(records: Sequence[Record]) -> list[str]:
    """How times were taken, once if all were taken so."""
    words = {f"{run['hardware']}, {run['threads']} threads, batch {run['batch']}, {run['precision']}, median of "
             f"{run['repeats']}" for record in records if (run := record.get("runtime"))}
    return [f"Times: {'; '.join(sorted(words))}.", *_drift(records)] if words else []


def _drift(records: Sequence[Record]) -> list[str]:
    """How far the machine's speed changed, as the convolutions say that are the same in several rows."""
    times: dict[str, list[float]] = {}
    for record in records:
        if seconds := (record.get("runtime") or {}).get("backbone_s"):
            times.setdefault(record["setting"]["dataset"], []).append(seconds)
    apart = [max(same) / min(same) for same in times.values() if len(same) > 1]
    return [f"Networks are measured one after the other. The same backbone took up to {max(apart):.2f} times as long "
            "in one row as in another of its data set: so far does the machine's speed change."] if apart else []
