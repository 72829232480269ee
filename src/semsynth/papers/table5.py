"""Table V of the CLADE paper: how often people prefer its pictures, and what so many votes can say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from semsynth.errors import PreferenceError, ReportError
from semsynth.papers.results import Results, Section, Table
from semsynth.preference.analysis import Row, analyse, of_counts
from semsynth.preference.study import STUDY, VOTES, Study, read_study
from semsynth.preference.tables import NOTE, RATERS_HEAD, VOTES_HEAD, lines, unrounded, vote_cells, who
from semsynth.preference.votes import Record, read_votes

DATASETS = ("ade20k", "ade20k_outdoor", "coco_stuff", "cityscapes")
CLADE_PREFERRED = {  # percent of the votes
    "SPADE": (48.375, 57.0, 55.0, 53.375),
    "pix2pixHD": (68.375, 73.375, 95.0, 57.5),
    "CLADE-ICPE": (30.375, 42.5, 48.75, 25.0),
}
PAIRS, USERS = 40, 20
TEXT = (f"{USERS} users, {PAIRS} pairs of each two methods, as long as they wished, asked which is more realistic: "
        f"{PAIRS} x {USERS} = {PAIRS * USERS} votes, of which every printed percentage is a whole number. Intervals "
        "and `p` follow from these counts, as if all votes were independent: which user voted for what is not "
        "published, and where people or pictures differ, the true intervals are wider.")


class Table5:
    """Makes the table of the paper with its intervals, and one of all studies that people have voted in here.

    Args:
        studies: Folder below which `tools/preference.py` has made them.
        draws: Of the bootstrap.
    """

    def __init__(self, studies: str = "preference", draws: int = 2000) -> None:
        self.studies, self.draws = studies, draws

    def __call__(self, results: Results) -> list[Section]:
        """See `results.Output`.

        Raises:
            ReportError: the files of a study are damaged, or two studies hold the same votes.
        """
        head = ["data set", "preferred", "to", *VOTES_HEAD]
        return [Section("As published", TEXT, Table(head, published_lines())), self._ours()]

    def _ours(self) -> Section:
        found: list[tuple[Study, Sequence[Row]]] = []
        told = []
        try:
            for folder, study, votes in voted_on(Path(self.studies).expanduser()):
                analysis = analyse(study, votes, self.draws)
                found.append((study, analysis.rows))
                told.append(f"- `{folder}`: {who(study, analysis)}")
        except PreferenceError as error:
            raise ReportError(str(error)) from error
        rows = [[study.title or "-", *line] for study, its in found for line in lines(study, its)]
        if not rows:
            return Section("Votes of our own", f"There are none below `{self.studies}/` yet. `python "
                           f"tools/preference.py make study={self.studies}/NAME a=RUN b=RUN` makes a study, `serve` "
                           "lets people vote.")
        head = ["study", "preferred", "to", "seen for", *VOTES_HEAD, *RATERS_HEAD]
        csv = [unrounded(study, its).splitlines(keepends=True) for study, its in found]
        whole = "".join([csv[0][0], *(line for text in csv for line in text[1:])])
        return Section("Votes of our own", "\n".join([NOTE, "", *told]), Table(head, rows, whole))


def voted_on(place: Path) -> Iterator[tuple[Path, Study, list[Record]]]:
    """The studies with votes below a folder, each with its own folder and with the lines of its votes.

    Raises:
        PreferenceError: one is damaged, or two hold the same votes, which would be shown twice.
    """
    where: dict[str, Path] = {}
    for folder in sorted(path.parent for path in place.glob(f"**/{STUDY}") if (path.parent / VOTES).is_file()):
        study, votes = read_study(folder), read_votes(folder / VOTES)
        for rater in {vote["rater"] for vote in votes}:
            if (first := where.setdefault(rater, folder)) != folder:
                raise PreferenceError(f"{folder} holds votes that {first} holds, too, as a copy does: move one of the "
                                      "two elsewhere")
        yield folder, study, votes


def published_lines() -> list[list[str]]:
    """A line for each rival and data set."""
    votes = PAIRS * USERS
    return [[dataset, "CLADE", rival, *vote_cells(of_counts(round(percent * votes / 100), votes))]
            for rival, row in CLADE_PREFERRED.items() for dataset, percent in zip(DATASETS, row, strict=True)]
