"""The published rows of one table, as they are printed."""

from __future__ import annotations

from semsynth.papers.results import Table
from semsynth.reporting.groups import statistic
from semsynth.reporting.published import ROWS
from semsynth.reporting.table import Row, cells


def published_table(source: str) -> Table | None:
    """All rows whose source begins so, such as `CLADE (arXiv:2012.04644) Table VII`; None where there are none."""
    rows = [Row(row.setting, row.source, row.dataset, row.size, None, None,
                {key: value for key, number in {**row.scores, **row.costs}.items() if (value := statistic([number]))})
            for row in ROWS if row.source == source or row.source.startswith((f"{source},", f"{source} "))]
    if not rows:
        return None
    head, lines = cells(rows)
    keep = [index for index, word in enumerate(head) if word not in ("epochs", "n")]
    table = [[line[index] for index in keep] for line in lines]
    for line, row in zip(table, rows, strict=True):
        line[0] = row.setting + row.source.removeprefix(source)
    return Table([head[index] for index in keep], table)
