"""A table of scores: settings over seeds, what is published beside it, and the same label maps drawn by each."""

from __future__ import annotations

from collections.abc import Sequence

from semsynth import runs
from semsynth.errors import ReportError
from semsynth.papers.published import published_table
from semsynth.papers.results import Results, Section, Table
from semsynth.reporting.figures import draw_transitions
from semsynth.reporting.groups import Group, group_runs
from semsynth.reporting.pictures import draw_comparison, drawable
from semsynth.reporting.report import notes
from semsynth.reporting.table import cells, comma_separated, make_rows

LEGEND = ("Mean ± standard deviation (least to greatest) of n seeds. *Italics*: published, under the protocol of the "
          "source.")

BARS = "Means; bars go from the least to the greatest of the seeds."


class Scores:
    """Makes the table of all settings that were trained, and a grid of pictures for each data set and size.

    A grid that is there already stays where checkpoints of its settings were deleted since, as the scores do.

    Args:
        published: Beginning of the source, in `reporting.published`, of the rows that are printed below it, or several
            of them; None: none.
        columns: Scores and costs that are shown, as in scores.json and `reporting.costs`; None: all. The CSV has all.
        samples: Label maps of a grid; 0: no grids.
        transitions: Whether mIoU is drawn over the transition from SPADE to CLADE.
    """

    def __init__(self, published: str | Sequence[str] | None = None, columns: Sequence[str] | None = None,
                 samples: int = 6, transitions: bool = False) -> None:
        self.published = [published] if isinstance(published, str) else list(published or ())
        self.columns = columns
        self.samples, self.transitions = samples, transitions

    def __call__(self, results: Results) -> list[Section]:
        """Table, published rows, curve, grids.

        Raises:
            ReportError: no training has scores yet.
        """
        groups = [group for group in group_runs(results.runs) if group.scored]
        if not groups:
            raise ReportError("no training has scores yet, so there is no table")
        rows = make_rows(groups)
        head, lines = cells(rows, self.columns)
        words = [note for note in notes(groups) if not note.startswith("No costs")] + self._not_taken(groups)
        text = "\n".join([LEGEND, "", *(f"- {note}" for note in words)])
        sections = [Section("Scores", text, Table(head, lines, comma_separated(rows)))]
        for source in self.published:
            if (table := published_table(source)) is not None:
                heading = "As published" if source == self.published[0] else f"As published by {source}"
                sections.append(Section(heading, f"{source}.", table))
        if self.transitions:
            path = draw_transitions(groups, results.picture("transitions"))
            sections += [Section("mIoU against the transition", BARS, picture=path)] if path else []
        return sections + self._grids(groups, results)

    def _not_taken(self, groups: Sequence[Group]) -> list[str]:
        """Scores that are shown and could not be had, each reason with its data set; a column may lack without it."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for group in groups:
            for run in group.runs:
                for key, reason in (run.scores or {}).get("skipped", {}).items():
                    if self.columns is None or key in self.columns:
                        found.setdefault((group.dataset, reason), {})[key] = None
        return [f"Not taken on {dataset}: {', '.join(keys)} ({reason}); `python evaluate.py run=DIR` takes them later"
                for (dataset, reason), keys in found.items()]

    def _grids(self, groups: Sequence[Group], results: Results) -> list[Section]:
        by_data: dict[str, list[Group]] = {}
        for group in groups:
            height, width = group.size or (0, 0)
            by_data.setdefault(f"{group.dataset} {height}x{width}", []).append(group)
        sections = []
        for place, members in by_data.items():
            columns = drawable(members)
            path = results.picture("grid" if len(by_data) == 1 else f"grid_{place.replace(' ', '_')}")
            kept = path.is_file() and len(columns) < len(members)  # of checkpoints that were deleted to save space
            if not self.samples or not (columns or kept):
                continue
            text = f"{place}, first seed, averaged weights."
            try:
                drawn = path if kept else draw_comparison(columns, runs.validation, path, self.samples)
                sections.append(Section("The same label maps" if len(by_data) == 1 else f"The same label maps, {place}",
                                        text, picture=drawn))
            except ValueError as error:  # data that is not at hand leaves the table as it is
                sections.append(Section("The same label maps", f"No pictures of {place}: {error}"))
        return sections
