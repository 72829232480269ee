"""What the votes of a study say: shares with intervals, and how likely so clear a majority is by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from semsynth.chance import stream
from semsynth.errors import PreferenceError
from semsynth.preference.study import VOTES, Study
from semsynth.preference.votes import Record, without_doubles

Interval = tuple[float, float]
LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """How often the first of two methods was chosen.

    Attributes:
        chosen: Votes for it.
        votes: All of them.
        wilson: 95 % interval of the share, were all votes independent (Wilson's score interval).
        p: Two-sided p of the sign test over votes, likewise.
        raters: Who voted.
        pictures: Which were voted on.
        bootstrap: 95 % interval of the share, with raters and pictures drawn anew; None: fewer than two of either.
        p_raters: Two-sided p of the sign test over raters: of those who chose one more often than the other.
    """

    chosen: int
    votes: int
    wilson: Interval
    p: float
    raters: int | None = None
    pictures: int | None = None
    bootstrap: Interval | None = None
    p_raters: float | None = None

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.chosen / self.votes


def of_counts(chosen: int, votes: int) -> Share:
    """The share of counts alone, as papers print it.

    Raises:
        ValueError: no votes, or more chosen than votes.
    """
    if not 0 <= chosen <= votes or not votes:
        raise ValueError(f"{chosen} of {votes} votes are no share")
    test = binomtest(chosen, votes)
    ends = test.proportion_ci(LEVEL, method="wilson")
    return Share(chosen, votes, (float(ends.low), float(ends.high)), float(test.pvalue))


def of_votes(raters: Sequence[str], pictures: Sequence[str], first: Sequence[bool], draws: int = 2000, seed: int = 0
             ) -> Share:
    """The share of single votes.

    The bootstrap draws raters and, independently, pictures with replacement, and takes a vote as often as its rater
    times as often as its picture (Owen, "The pigeonhole bootstrap", 2007): neither the votes of a person nor those on a
    picture are independent. It is right where people or pictures differ much, and up to sqrt(3) times too wide where
    they do not differ at all; Wilson's interval is right then, and too narrow otherwise.

    Args:
        raters: Of each vote.
        pictures: Of each vote.
        first: Whether it was for the first method.
        draws: Of the bootstrap.
        seed: Of the draws.

    Raises:
        ValueError: no votes.
    """
    counted = of_counts(sum(map(bool, first)), len(first))
    (people, row), (shown, column) = (np.unique(list(names), return_inverse=True) for names in (raters, pictures))
    votes, chosen = np.zeros((2, len(people), len(shown)))
    np.add.at(votes, (row, column), 1)
    np.add.at(chosen, (row, column), np.asarray(first, float))
    each = 2 * chosen.sum(1) - votes.sum(1)
    decided = int((each != 0).sum())
    return Share(counted.chosen, counted.votes, counted.wilson, counted.p, len(people), len(shown),
                 _bootstrap(chosen, votes, draws, seed) if min(votes.shape) > 1 else None,
                 float(binomtest(int((each > 0).sum()), decided).pvalue) if decided else 1.0)


def _bootstrap(chosen: np.ndarray, votes: np.ndarray, draws: int, seed: int) -> Interval | None:
    """Percentile interval from counts (R,I) of votes for the first method, and of all."""
    rng, (people, shown) = stream("bootstrap of a preference study", seed), votes.shape
    of_people = rng.multinomial(people, np.full(people, 1 / people), draws)
    of_shown = rng.multinomial(shown, np.full(shown, 1 / shown), draws)
    above, below = (np.einsum("dr,ri,di->d", of_people, counts, of_shown, optimize=True) for counts in (chosen, votes))
    shares = above[below > 0] / below[below > 0]
    if not len(shares):
        return None
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Row:
    """A comparison of a study at one time.

    Attributes:
        methods: Two of `a`, `b` and `real`.
        time_ms: For which the pairs were seen; None: unlimited.
        share: How often the first was chosen.
    """

    methods: tuple[str, str]
    time_ms: int | None
    share: Share


@dataclass(frozen=True)
class Analysis:
    """What a study has found.

    Attributes:
        rows: Comparisons by time, those with votes.
        begun: Raters.
        finished: Those who have answered all.
        failed: Those who chose fewer sentinels right than the pass mark, or had not seen one: their votes are left out.
        doubles: Lines of the file of votes that repeat another and count for nothing.
    """

    rows: Sequence[Row]
    begun: int
    finished: int
    failed: int
    doubles: int = 0


def analyse(study: Study, records: Sequence[Record], draws: int = 2000, seed: int = 0) -> Analysis:
    """Count the votes of a study.

    Args:
        study: The study.
        records: Lines of its file of votes.
        draws: Of the bootstrap.
        seed: Of the draws.

    Raises:
        PreferenceError: votes that are not of this study, or do not agree with each other.
    """
    records, doubles = without_doubles(records)
    votes: dict[str, list[Record]] = {record["rater"]: [] for record in records if "trial" not in record}
    pages = {record["rater"]: record["page"] for record in records if "trial" not in record}
    for record in records:
        if "trial" in record:
            if record["rater"] not in votes or record["item"] >= len(study.items) or (
                    record["chosen"] not in study.items[record["item"]].methods):
                raise PreferenceError(f"{VOTES} holds votes of another study, such as one by {record['rater']}")
            votes[record["rater"]].append(record)
    failed = {rater for rater, its in votes.items() if its and not passes(study, its)}
    rows = []
    kinds = dict.fromkeys((item.methods, item.time_ms) for item in study.items if not item.sentinel)
    for methods, time in kinds:
        counted = [vote for rater, its in votes.items() if rater not in failed for vote in its
                   if (item := study.items[vote["item"]]).methods == methods and item.time_ms == time
                   and not item.sentinel]
        if counted:
            share = of_votes([vote["rater"] for vote in counted],
                             [study.items[vote["item"]].picture for vote in counted],
                             [vote["chosen"] == methods[0] for vote in counted], draws, seed)
            rows.append(Row(methods, time, share))
    finished = sum(len(its) == len(study.on_page(pages[rater])) for rater, its in votes.items())
    return Analysis(rows, len(votes), finished, len(failed), doubles)


def passes(study: Study, votes: Sequence[Record]) -> bool:
    """Whether a rater's votes count: by the sentinels among them, where the study has any."""
    if not any(item.sentinel for item in study.items):
        return True
    seen = [vote["chosen"] == item.methods[0] for vote in votes if (item := study.items[vote["item"]]).sentinel]
    return bool(seen) and sum(seen) >= study.pass_mark * len(seen) - 1e-9
