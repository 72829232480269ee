"""The time that is left, from what the studies' files say of their jobs and from how long jobs took so far."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from semsynth.papers.steps import Step


class Pace:
    """How this machine keeps to the minutes of the studies.

    Attributes:
        expected: Minutes that the jobs done so far should have taken.
        taken: Minutes that they took.
    """

    def __init__(self) -> None:
        self.expected = self.taken = 0.0

    def add(self, expected: float, taken: float) -> None:
        """Note jobs that are done, in minutes."""
        if expected > 0:
            self.expected, self.taken = self.expected + expected, self.taken + taken

    def left(self, steps: Iterable[Step]) -> float | None:
        """Minutes for all that is pending, each job once; None where a step does not say how long its jobs take."""
        jobs: dict[tuple[str, Path], float | None] = {}
        for step in steps:
            jobs |= {(step.kind, job): step.minutes for job in step.pending()}
        minutes = [m for m in jobs.values() if m is not None]
        if len(minutes) < len(jobs):
            return None
        return sum(minutes) * (self.taken / self.expected if self.expected else 1.0)


def in_words(minutes: float | None) -> str:
    """`about 3 h 20 min left`."""
    if minutes is None:
        return "nobody has measured how long this takes"
    hours, rest = divmod(max(1, round(minutes)), 60)
    return f"about {f'{hours} h ' if hours else ''}{rest} min left"
