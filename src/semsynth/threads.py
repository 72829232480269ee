"""How many threads torch computes with on a CPU: as many as are asked for, or those that are fastest here and now."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeVar

import torch

from semsynth.place import place

Threads = int | Literal["auto"]
"""A fixed number, or one that is chosen by timing."""

Item = TypeVar("Item")

VARIABLE = "OMP_NUM_THREADS"  # who sets it has chosen
SLOW = 3.0  # what takes so many times as long as the best in its first turn has no other, nor do still more threads
FIRST = 5.0  # seconds by which the first piece under a number may be slower, for what it makes
SAME = 1.05  # of the numbers that are as fast as this, the least is taken: it bears other work beside it best
PIECES = 10  # for each candidate: with fewer pieces of work there is nothing to win


def cores() -> int:
    """The cores that this process may use, of those that Slurm gave to its task."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(here, int(os.environ.get("SLURM_CPUS_PER_TASK", here)))


def share(processes: int) -> int:
    """The cores of each of the processes that train together on this machine, at least one."""
    here = place()
    if here is not None and (here.by, here.world > 1) == ("srun", True) and "SLURM_CPUS_PER_TASK" in os.environ:
        return cores()  # each is a task, whose cores are its own
    return max(1, cores() // processes)


def candidates(number: int) -> list[int]:
    """1 and so on up to half of a number, and the number."""
    return [number >> k for k in reversed(range(number.bit_length()))]


class Choice:
    """Times a piece of work that repeats, under several numbers of threads in turn, and keeps the fastest.

    Waiting threads take time from each other beside a busy process: two can be slower than one, by an amount that
    nothing but the clock knows. So the pieces of work themselves are timed, with all that happens between them.
    The first piece under each number is not: it makes what the others find made. One thread comes first, since where
    it is slow it is so by a known factor, while many on a crowded machine have no limit; there a single piece is enough
    to see it. With one candidate there is nothing to choose, and nothing is done.

    Args:
        numbers: of threads, the smallest first.
        turns: how often each is timed; the median counts.
        seconds: a turn takes so many pieces of work that it lasts at least as long.
        use: makes torch compute with so many threads.
        clock: seconds since some time.
    """

    def __init__(self, numbers: Sequence[int], *, turns: int = 3, seconds: float = 0.5,
                 use: Callable[[int], None] = torch.set_num_threads,
                 clock: Callable[[], float] = time.perf_counter) -> None:
        self.numbers, self.turns, self.seconds = list(numbers), turns, seconds
        self.best: int | None = None
        self._use, self._clock = use, clock
        self._timed: dict[int, list[float]] = {}  # seconds for a unit of work, by number of threads
        self._warm: set[int] = set()
        self._since: float | None = None
        self._elapsed = self._work = 0.0
        self._plan = self._turns()
        self._number = next(self._plan)
        if len(self.numbers) == 1:
            self.best = self._number
        else:
            self._use(self._number)

    @classmethod
    def of(cls, threads: Threads, device: torch.device | str, pieces: int | None = None) -> Choice:
        """A choice that is made already, unless ``auto`` finds a CPU with several cores and much to do.

        A fixed number is used from now on, whatever the device.

        Args:
            threads: what is asked for; the environment's OMP_NUM_THREADS stands before ``auto``.
            device: where is computed.
            pieces: how many pieces of work there are; None for very many.
        """
        if threads != "auto":
            torch.set_num_threads(threads)
            return cls([threads])
        numbers = candidates(cores())
        few = pieces is not None and pieces < PIECES * len(numbers)
        if torch.device(device).type != "cpu" or VARIABLE in os.environ or few:
            return cls([torch.get_num_threads()])
        return cls(numbers)

    @property
    def choosing(self) -> bool:
        """Whether it is still being timed."""
        return self.best is None

    def begin(self) -> None:
        """A piece of work begins; without effect where the time since the last one counts already."""
        if self.choosing and self._since is None:
            self._since = self._clock()

    def end(self, work: float = 1.0) -> bool:
        """A piece of so many units of work has ended; whether that has settled the choice."""
        if not self.choosing or self._since is None:
            return False
        now = self._clock()
        self._elapsed, self._work, self._since = self._elapsed + now - self._since, self._work + work, now
        first = self._number not in self._warm
        self._warm.add(self._number)
        if first and not self._hopeless():
            self._elapsed = self._work = 0.0
        elif first or self._elapsed >= self.seconds:
            self._timed.setdefault(self._number, []).append(self._elapsed / self._work)
            self._elapsed = self._work = 0.0
            self._advance()
        return not self.choosing

    def interrupt(self) -> None:
        """Other work follows, whose time shall not count."""
        self._since = None

    def timed(self, items: Iterable[Item], work: Callable[[Item], float] = lambda _: 1.0, *, unit: str,
              say: Callable[[str], object] = print) -> Iterator[Item]:
        """The items, with the work on each as one piece; says what was chosen."""
        self.begin()
        for item in items:
            yield item
            if self.end(work(item)):
                say(self.words(unit))
        if self.choosing:  # they were too few or too quick
            self._settle()

    def words(self, unit: str) -> str:
        """What was found, for units of work under this name."""
        found = ", ".join(f"{number} thread{'s' * (number > 1)}: {1 / self._median(number):.3g} {unit}/s"
                          for number in self._timed)
        return f"{found}: takes {self.best}; threads=N fixes it"

    def _turns(self) -> Iterator[int]:
        """The numbers in the order in which they are timed, back and forth."""
        for number in self.numbers:
            yield number
            if self._timed[number][0] > SLOW * self._fastest():
                break
        near = [number for number in self._timed if self._timed[number][0] <= SLOW * self._fastest()]
        for _ in range(self.turns - 1 if len(near) > 1 else 0):
            near.reverse()
            yield from near

    def _hopeless(self) -> bool:
        """Whether a first piece was slower than what it makes can explain."""
        return bool(self._timed) and self._elapsed > SLOW * self._work * self._fastest() + FIRST

    def _advance(self) -> None:
        following = next(self._plan, None)
        if following is None:
            self._settle()
        else:
            self._number = following
            self._use(following)

    def _settle(self) -> None:
        self.best = min((n for n in self._timed if self._median(n) <= SAME * self._fastest()),
                        default=self.numbers[-1])
        self._use(self.best)

    def _fastest(self) -> float:
        return min(map(self._median, self._timed))

    def _median(self, number: int) -> float:
        return statistics.median(self._timed[number])
