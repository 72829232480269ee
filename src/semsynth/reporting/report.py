"""The report: table, pictures, and the facts that one must know to read them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semsynth.reporting.collect import Run, evaluation_command
from semsynth.reporting.figures import draw_runtime, draw_transitions
from semsynth.reporting.groups import Group
from semsynth.reporting.pictures import Validation, draw_comparison, drawable
from semsynth.reporting.table import comma_separated, literal, make_rows, markdown
from semsynth.spelling import typed
from semsynth.weights.files import write_text

TABLE, PAGE = "comparison.csv", "comparison.md"
TIMED_ON = ("hardware", "device", "threads", "batch", "precision", "compile", "labels")
PER_RUN = ("checkpoint.sha256", "checkpoint.epoch")  # entries of a protocol that no two runs share


@dataclass
class Report:
    """What was written.

    Attributes:
        folder: the output directory.
        page: the Markdown file.
        pictures: caption -> PNG file.
        failed: pictures that could not be drawn, and why.
        missing: runs without scores, each with the command that makes them.
    """

    folder: Path
    page: Path
    pictures: dict[str, Path] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def write_report(groups: Sequence[Group], folder: Path, validation: Validation, *, samples: int = 8,
                 progress: Callable[[Sequence[Any]], Iterable[Any]] = iter, **how: Any) -> Report:
    """Write table, page and pictures into a folder; files of an earlier report are replaced.

    Args:
        groups: see `groups.group_runs`.
        folder: made where it is missing.
        validation: builds the validation split of a configuration.
        samples: label maps of a grid; 0: no grids.
        progress: wraps the runs of a grid while they are drawn.
        how: see `pictures.draw_comparison`.
    """
    report = Report(folder, folder / PAGE, missing=without_scores(run for group in groups for run in group.runs))
    for (dataset, size), members in _by_data(groups).items():
        place = f"{dataset} {size[0]}x{size[1]}" if size else dataset
        name = place.replace(" ", "_")
        for what, word, draw in (("Fréchet distance against runtime", "runtime", draw_runtime),
                                 ("mIoU against transition", "transitions", draw_transitions)):
            drawn = draw(members, folder / f"{word}_{name}.png")
            if drawn:
                report.pictures[f"{what}, {place}"] = drawn
        columns = drawable(members)
        if samples and columns:
            try:
                path = draw_comparison(columns, validation, folder / f"grid_{name}.png", samples, progress, **how)
                report.pictures[f"The same label maps, {place}"] = path
            except ValueError as error:  # data or weights that are not at hand leave the table as it is
                report.failed.append(f"No grid of {place}: {error}")
    rows = make_rows(groups)
    write_text(folder / TABLE, comma_separated(rows))
    write_text(report.page, page(groups, markdown(rows), report))
    return report


def _by_data(groups: Sequence[Group]) -> dict[tuple[str, tuple[int, int] | None], list[Group]]:
    found: dict[tuple[str, tuple[int, int] | None], list[Group]] = {}
    for group in groups:
        found.setdefault((group.dataset, group.size), []).append(group)
    return found


def page(groups: Sequence[Group], table: str, report: Report) -> str:
    """The Markdown page."""
    parts = ["# Comparison", table]
    parts.append("Several seeds: mean ± standard deviation (least to greatest), n runs. *Italics*: published, under "
                 "the protocol of the source, timed on a Titan XP where it does not say otherwise. FLOPs as the papers "
                 "count them: multiply-accumulates, and an addition for every element that a bias is added to. "
                 "Training memory includes the weights. `fid/train` and `fid/val` compare with real training and "
                 "validation images.")
    parts += [f"- {literal(note)}" for note in notes(groups)]
    for caption, path in report.pictures.items():
        parts.append(f"## {caption}\n\n![{caption}]({os.path.relpath(path, report.folder).replace(' ', '%20')})")
    parts += map(literal, report.failed)
    lines = [f"- {literal(group.name)}: " + ", ".join(f"`{run.directory}`" for run in group.runs) for group in groups]
    parts.append("## Runs\n\n" + "\n".join(lines))
    if report.missing:
        parts.append("## Without scores\n\n" + "\n".join(f"- {line}" for line in report.missing))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def without_scores(runs: Iterable[Run]) -> list[str]:
    """For each run without scores a line with the command that makes them."""
    return [f"{run.directory}{_progress(run)}: {_way_out(run)}" for run in runs if run.scores is None]


def _progress(run: Run) -> str:
    wanted = (run.config or {}).get("epochs")
    return f" (in epoch {run.epochs} of {wanted})" if run.epochs and wanted and run.epochs < wanted else ""


def _way_out(run: Run) -> str:
    return evaluation_command(run.directory) if run.has_checkpoint else "holds no checkpoint yet"


def notes(groups: Sequence[Group]) -> list[str]:
    """What differs between the protocols of the scores, and between the machines that were timed."""
    lines = []
    for dataset in dict.fromkeys(group.dataset for group in groups):
        protocols = {f"{group.name}, seed {run.seed}": _flat(run.scores.get("protocol", {}))
                     for group in groups for run in group.runs if run.scores and group.dataset == dataset}
        lines += _differing(f"The scores on {dataset} differ in", protocols)
    machines = {f"{group.name}, seed {run.seed}": {
        key: (run.complexity.get("runtime") or {}).get(key) for key in TIMED_ON}
        for group in groups for run in group.runs if run.complexity and run.complexity.get("runtime")}
    if machines:
        alike = {json.dumps(machine) for machine in machines.values()}
        first = next(iter(machines.values()))
        lines += _differing("Times were measured with different", machines) if len(alike) > 1 else [
            "Times: " + ", ".join(f"{key} {value}" for key, value in first.items() if value is not None)]
    without = [group.name for group in groups if group.config and not any(run.complexity for run in group.runs)]
    if without:
        lines.append(f"No costs of {'; '.join(without)}: `{typed(['complexity', 'run=DIR'])}` measures them")
    return lines


def _differing(words: str, tables: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for key in sorted({key for table in tables.values() for key in table}):
        holders: dict[str, list[str]] = {}
        for name, table in tables.items():
            holders.setdefault(json.dumps(table.get(key)), []).append(name)
        if len(holders) > 1:
            lines.append(f"{words} {key}: " + "; ".join(f"{value} ({_few(names)})" for value, names in holders.items()))
    return lines


def _few(names: Sequence[str]) -> str:
    return "; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {path: node}
    return {key: value for name, child in node.items()
            for key, value in _flat(child, f"{path}.{name}" if path else str(name)).items() if key not in PER_RUN}
