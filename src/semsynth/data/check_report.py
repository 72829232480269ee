"""What a data check shows: a progress bar, a table of classes, the faults; and a draft of classes."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from semsynth.data.check import SplitReport, scan
from semsynth.data.draft import draft_classes, write_draft
from semsynth.data.paired import PairedDataset


def progress_bar(title: str, console: Console, total: int | None = None) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a wrapper that shows how far an iteration has come."""
    return lambda items: track(items, title, total=total, console=console)


def draft_folder(folder: Path, console: Console, overwrite: bool = False) -> None:
    """Write a first classes.yaml from the masks of a folder, and say what was left out.

    Raises:
        DataError: see `semsynth.data.draft.write_draft`.
    """
    path = folder / "classes.yaml"
    draft = write_draft(path, lambda: draft_classes(folder, progress_bar("masks", console)), overwrite)
    for message in draft.skipped:
        console.print(f"left out: {message}", markup=False, soft_wrap=True)
    console.print(f"wrote {path}: give the classes their names, then run again without write_classes", soft_wrap=True,
                  markup=False)


def check_splits(make: Mapping[str, Callable[[], PairedDataset]], classes: list[str], console: Console,
                 masks: str | None = None) -> int:
    """Read all files of every split and show what is in them; return the exit code: 1 when there are faults.

    Args:
        make: Makes the data set of each split, one that is not strict.
        classes: Names of the classes.
        console: Where it is shown.
        masks: What tells the classes in the masks, where that is worth a line.
    """
    reports = {}
    for split, made in make.items():
        dataset = made()
        reports[split] = scan(dataset, progress_bar(split, console, len(dataset)))
    if masks is not None:
        console.print(f"classes are told by {masks} in the masks (dataset.masks)")
    show_report(reports, classes, console)
    return show_summary(reports, console)


def show_report(reports: dict[str, SplitReport], classes: list[str], console: Console) -> None:
    """Print how often each class occurs in each split."""
    table = Table(title="classes")
    table.add_column("id", justify="right")
    table.add_column("class", no_wrap=True)
    for split in reports:
        table.add_column(f"{split} pixels", justify="right")
        table.add_column(f"{split} pictures", justify="right")
    for label, name in enumerate(classes):
        row: list[str | Text] = [str(label), Text(name)]  # a class's name is no markup
        for report in reports.values():
            row += [f"{report.shares[label]:.3%}", str(report.pictures[label])]
        table.add_row(*row)
    console.print(table)


def show_summary(reports: dict[str, SplitReport], console: Console) -> int:
    """Print the faults and the counts; return the exit code: 1 when there are faults.

    A fault of a set that is split in two stands in both reports, and is printed once.
    """
    shown: set[str] = set()
    for split, report in reports.items():
        absent = int((report.pixels == 0).sum())
        note = f", {absent} of {len(report.pixels)} classes never occur" if absent else ""
        fresh = [fault for fault in report.faults if fault not in shown]
        again = f", {len(report.faults) - len(fresh)} of them shown above" if len(fresh) < len(report.faults) else ""
        console.print(f"{split}: {report.samples} pairs, {len(report.faults)} faults{again}{note}", highlight=False)
        for change, count in report.changes.items():
            console.print(f"  {count} {'picture is' if count == 1 else 'pictures are'} {change}", highlight=False)
        for fault in fresh:
            console.print(f"  {fault}", markup=False, highlight=False, soft_wrap=True)
        shown.update(fresh)
    return int(any(report.faults for report in reports.values()))
