"""The comparison as a table: a row for each setting of ours, and below it what is published of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from semsynth.evaluation.report import is_share
from semsynth.reporting.costs import COSTS
from semsynth.reporting.groups import Group, Statistic, statistic
from semsynth.reporting.published import Published, published_for

OURS = "ours"
ORDER = ("fid/", "kid/", "frechet/", "precision/", "recall/", "density/", "coverage/", "miou", "accuracy", "diversity/",
         "mcsd/", "mocd/", "misd/", "moisd/", "style_r2/", "region/", "reconstruction/", "segmenter/miou",
         "segmenter/accuracy", "agreement/miou", "agreement/accuracy")
TITLES = {"miou": "mIoU %", "miou_rare": "mIoU % of rare classes", "accuracy": "accuracy %",
          "segmenter/miou": "S: mIoU %", "segmenter/miou_rare": "S: mIoU % of rare classes",
          "segmenter/accuracy": "S: accuracy %", "agreement/miou": "S on fakes: mIoU %",
          "agreement/accuracy": "S on fakes: accuracy %", **COSTS}
DIGITS = {"miou": 2, "accuracy": 2, "parameters": 2, "flops": 2, "runtime": 4, "memory": 2, "reconstruction/psnr": 2}
DIGITS_OF = {"kid": 4, "mcsd": 4, "mocd": 4, "misd": 4, "moisd": 4, "diversity": 3, "style_r2": 3, "region": 3,
             "reconstruction": 3}  # by kind


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        setting: name of the setting, or of the paper's method.
        source: `ours`, or paper and table.
        dataset: name of the data set.
        size: height and width of the images.
        epochs: epochs of the training; None where unknown.
        seeds: number of runs with scores; None for a published row.
        values: score and cost keys -> value, in the units of `title`.
    """

    setting: str
    source: str
    dataset: str
    size: tuple[int, int] | None
    epochs: int | None
    seeds: int | None
    values: dict[str, Statistic] = field(default_factory=dict)


def make_rows(groups: Sequence[Group]) -> list[Row]:
    """Our row of every group, then the published rows of its setting."""
    rows: list[Row] = []
    for group in groups:
        values = {key: score for key in score_keys([group]) if (score := score_of(group, key)) is not None}
        values |= {key: cost for key in COSTS if (cost := group.cost(key)) is not None}
        rows.append(Row(group.name, OURS, group.dataset, group.size, group.epochs, group.scored, values))
        rows += [_published_row(row) for row in published_for(group.dataset, group.runs[0].name, group.size)]
    return rows


def _published_row(row: Published) -> Row:
    values = {key: value for key, number in {**row.scores, **row.costs}.items() if (value := statistic([number]))}
    return Row(row.setting, row.source, row.dataset, row.size, None, None, values)


def score_of(group: Group, key: str) -> Statistic | None:
    """A score of a group in the unit of the table."""
    value = group.score(key)
    factor = 100 if is_share(key) else 1
    if value is None:
        return None
    deviation = None if value.deviation is None else value.deviation * factor
    return Statistic(value.mean * factor, value.low * factor, value.high * factor, value.count, deviation)


def score_keys(groups: Sequence[Group]) -> list[str]:
    """The scores that any run has, in the order of the table."""
    keys = {key for group in groups for run in group.runs if run.scores for key in run.scores["scores"]}

    return sorted(keys, key=_place)


def columns(rows: Sequence[Row]) -> list[str]:
    """The keys of all columns that hold a value: scores, then costs."""
    present = {key for row in rows for key in row.values}
    return sorted(present - COSTS.keys(), key=_place) + [key for key in COSTS if key in present]


def _place(key: str) -> tuple[int, str]:
    return next((i for i, start in enumerate(ORDER) if key.startswith(start)), len(ORDER)), key


def title(key: str) -> str:
    """Heading of a column, with the unit."""
    return TITLES.get(key, key)


def shown(key: str, value: Statistic | None) -> str:
    """A cell: the mean; of values that differ also their standard deviation, the least and the greatest."""
    if value is None:
        return "-"
    digits = DIGITS.get(key, DIGITS_OF.get(key.partition("/")[0], 2))
    mean, low, high = (f"{number:.{digits}f}" for number in (value.mean, value.low, value.high))
    if low == high or value.deviation is None:
        return mean
    return f"{mean} ± {value.deviation:.{digits}f} ({low} to {high})"


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown. Published rows are in italics."""
    head, lines = cells(rows)
    return "\n".join([_line(head), _line(["---"] * 5 + ["---:"] * (len(head) - 5)), *map(_line, lines)]) + "\n"


def cells(rows: Sequence[Row], keys: Sequence[str] | None = None) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table, as Markdown shows them.

    Args:
        rows: Of the table.
        keys: Scores and costs that are shown; None: all that hold a value.
    """
    keys = columns(rows) if keys is None else [key for key in keys if key in columns(rows)]
    lines = []
    for row in rows:
        name = row.setting if row.source == OURS else f"*{row.setting}, {row.source}*"
        size = f"{row.size[0]}x{row.size[1]}" if row.size else "-"
        counts = ["-" if number is None else str(number) for number in (row.epochs, row.seeds)]
        lines.append([name, row.dataset, size, *counts, *(shown(key, row.values.get(key)) for key in keys)])
    return ["setting", "data set", "size", "epochs", "n", *map(title, keys)], lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(literal(cell).replace("|", "\\|") for cell in cells) + " |"


def literal(text: str) -> str:
    """A text of somebody's files in a line of Markdown: no tag, no link, no line of its own."""
    return " ".join(text.split()).replace("<", "&lt;").replace("](", "]\\(")


def comma_separated(rows: Sequence[Row]) -> str:
    """The table as CSV, unrounded: for every column the mean, `KEY std`, `KEY min` and `KEY max`."""
    keys = columns(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["setting", "source", "dataset", "height", "width", "epochs", "n"]
    writer.writerow(head + [title(key) + word for key in keys for word in ("", " std", " min", " max")])
    for row in rows:
        height, width = row.size or ("", "")
        cells: list[object] = [row.setting, row.source, row.dataset, height, width, row.epochs, row.seeds]
        for key in keys:
            value = row.values.get(key)
            cells += [value.mean, value.deviation, value.low, value.high] if value else [None] * 4
        writer.writerow(cells)
    return text.getvalue()
