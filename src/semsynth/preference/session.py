"""A study while it is served: who has answered what, and what comes next. All of it is in the file of votes."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from semsynth.errors import PreferenceError
from semsynth.preference.order import SIDES, Trial, trials
from semsynth.preference.study import PICTURES, VOTES, Study, read_study
from semsynth.preference.votes import Record, VoteFile, without_doubles

MOST_RATERS = 100_000
MOST_MS = 10**9
AWAY = timedelta(hours=1)  # since the last answer of a rater who is not expected to go on


class Closed(Exception):
    """The study takes no more raters."""


class Unknown(Exception):
    """There is no such rater, or no such picture."""


class Conflict(Exception):
    """That pair was answered otherwise, or is not next."""


@dataclass
class Rater:
    """A rater, whose answers follow the order of the trials.

    Attributes:
        page: What he answers.
        trials: In his order.
        at: When he was last heard of.
        chosen: Sides, of the trials that are answered.
    """

    page: int
    trials: list[Trial]
    at: datetime
    chosen: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether all is answered."""
        return len(self.chosen) == len(self.trials)


class Session:
    """Serves a study from its folder; safe to call from several threads.

    Args:
        folder: The study's.
        now: The time, for the file of votes.

    Raises:
        PreferenceError: the folder holds no study, damaged files or votes of another study, or is served already.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder, self.study, self._now, self._lock = folder, read_study(folder), now, Lock()
        self.votes = VoteFile(folder / VOTES)
        self.raters: dict[str, Rater] = {}
        try:
            for record in without_doubles(self.votes.records)[0]:
                self._take(record)
        except PreferenceError:
            self.votes.close()
            raise
        except (KeyError, IndexError, TypeError, ValueError):
            self.votes.close()
            raise PreferenceError(f"{self.votes.path} holds votes of another study: move it away") from None

    def _take(self, record: Record) -> None:
        if "trial" not in record:
            page = self._page(record["page"])
            self.raters[record["rater"]] = Rater(page, trials(self.study, record["number"], page), _time(record))
            return
        rater = self.raters[record["rater"]]
        trial = rater.trials[record["trial"]]
        methods = self.study.items[trial.item].methods
        if (record["trial"], record["item"], record["left"]) != (len(rater.chosen), trial.item, methods[trial.left]):
            raise ValueError
        rater.chosen.append(SIDES[record["chosen"] != record["left"]])
        rater.at = _time(record)

    def _page(self, page: int) -> int:
        if page >= self.study.pages:
            raise ValueError
        return page

    def begin(self) -> str:
        """Take a new rater; return the rater's name.

        The page is that which fewest have finished or are expected to, who were heard of within the hour; of several
        such that which fewest have begun.

        Raises:
            Closed: as many raters as are wanted have finished each page.
            WritingError: it cannot be noted.
        """
        with self._lock:
            begun, finished = self._counts()
            late, wanted = self._now() - AWAY, self.study.raters
            expected = Counter(rater.page for rater in self.raters.values() if rater.done or rater.at > late)
            open_pages = [page for page in range(self.study.pages) if wanted is None or finished[page] < wanted]
            if not open_pages or len(self.raters) >= MOST_RATERS:
                raise Closed
            page = min(open_pages, key=lambda page: (expected[page], begun[page]))
            name = secrets.token_urlsafe(16)
            record = {"rater": name, "number": len(self.raters), "page": page, "at": self._at()}
            self.votes.append(record)
            self._take(record)
            return name

    def _counts(self) -> tuple[list[int], list[int]]:
        begun, finished = [0] * self.study.pages, [0] * self.study.pages
        for rater in self.raters.values():
            begun[rater.page] += 1
            finished[rater.page] += rater.done
        return begun, finished

    def _rater(self, name: str) -> Rater:
        if name not in self.raters:
            raise Unknown
        return self.raters[name]

    def state(self, name: str) -> dict[str, Any]:
        """What the page shows next, in plain values.

        Raises:
            Unknown: there is no such rater.
        """
        rater = self._rater(name)
        state: dict[str, Any] = {"trial": len(rater.chosen), "of": len(rater.trials), "done": rater.done}
        if not rater.done:
            item = self.study.items[rater.trials[len(rater.chosen)].item]
            state |= {"time_ms": item.time_ms, "map": item.map is not None}
        return state

    def vote(self, name: str, trial: int, side: str, ms: int, shown_ms: int | None) -> dict[str, Any]:
        """Take an answer; return the state then. The same answer sent again changes nothing.

        Args:
            name: The rater's.
            trial: Its place in his order.
            side: `left` or `right`.
            ms: Since the pair could be answered.
            shown_ms: For which a timed pair was seen, as the page measured it.

        Raises:
            Unknown: there is no such rater.
            Conflict: another answer is there, or the pair is not next.
            WritingError: it cannot be noted.
        """
        with self._lock:
            rater = self._rater(name)
            if trial < len(rater.chosen):
                if rater.chosen[trial] != side:
                    raise Conflict
                return self.state(name)
            if trial > len(rater.chosen) or rater.done:
                raise Conflict
            shown = rater.trials[trial]
            methods = self.study.items[shown.item].methods
            record = {"rater": name, "trial": trial, "item": shown.item, "left": methods[shown.left],
                      "chosen": methods[shown.method(side)], "ms": ms, "shown_ms": shown_ms, "at": self._at()}
            self.votes.append(record)
            self._take(record)
            return self.state(name)

    def picture(self, name: str, trial: int, which: str) -> Path:
        """The file of `left`, `right` or `map` of a pair: of one that is answered, or next.

        Raises:
            Unknown: there is no such picture, or not yet.
        """
        rater = self._rater(name)
        if not 0 <= trial < min(len(rater.chosen) + 1, len(rater.trials)):
            raise Unknown
        shown = rater.trials[trial]
        item = self.study.items[shown.item]
        file = item.map if which == "map" else item.files[shown.method(which)] if which in SIDES else None
        if file is None:
            raise Unknown
        return self.folder / PICTURES / file

    def progress(self) -> str:
        """How far the study is, in words."""
        begun, finished = self._counts()
        wanted = "" if self.study.raters is None else f" of {self.study.raters * self.study.pages} wanted"
        votes = sum(len(rater.chosen) for rater in self.raters.values())
        return f"{sum(begun)} raters, {sum(finished)} have finished{wanted}; {votes} votes"

    def _at(self) -> str:
        return self._now().isoformat(timespec="seconds")

    def close(self) -> None:
        """End; what was voted is in the file."""
        self.votes.close()


def _time(record: Record) -> datetime:
    time = datetime.fromisoformat(record["at"])
    if time.tzinfo is None:
        raise ValueError
    return time


def describe(study: Study) -> dict[str, Any]:
    """What the page says before anybody has begun, in plain values."""
    items = study.on_page(0)
    times = {study.items[index].time_ms for index in items}
    return {"question": study.question, "of": len(items), "timed": times != {None}}
