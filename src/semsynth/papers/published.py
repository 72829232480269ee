"""The published rows of one table, as they are printed."""

from __future__ import annotations

from dataclasses import replace

from semsynth.papers.results import Table
from semsynth.reporting.groups import statistic
from semsynth.reporting.published import CLADE, ROWS
from semsynth.reporting.table import Row, cells

TABLE_1 = f"{CLADE} Table I"
REPEATED = {f"{CLADE} Table IV": ("clade",), f"{CLADE} Table VII": ("clade", "clade_icpe")}
"""Settings whose values a table prints again, by the table."""


def published_table(source: str) -> Table | None:
    """All rows whose source begins so, such as `CLADE (arXiv:2012.04644) Table VII`; None where there are none.

    With those of Table I that it repeats.
    """
    found = [row for row in ROWS if row.source == source or row.source.startswith((f"{source},", f"{source} "))]
    if not found:
        return None
    printed = {key for row in found for key in (*row.scores, *row.costs)}
    datasets = list(dict.fromkeys(row.dataset for row in found))
    found += [replace(row, source=source) for row in ROWS if row.source == TABLE_1 and row.dataset in datasets
              and row.setting in REPEATED.get(source, ())]
    found.sort(key=lambda row: datasets.index(row.dataset))
    rows = [Row(one.setting, one.source, one.dataset, one.size, None, None,
                {key: value for key, number in {**one.scores, **one.costs}.items()
                 if key in printed and (value := statistic([number]))}) for one in found]
    head, lines = cells(rows)
    keep = [index for index, word in enumerate(head) if word not in ("epochs", "n")]
    table = [[line[index] for index in keep] for line in lines]
    for line, row in zip(table, rows, strict=True):
        line[0] = row.setting + row.source.removeprefix(source)
    return Table([head[index] for index in keep], table)
