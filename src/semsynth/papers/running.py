"""Running studies: their steps in order, what is done already passed over, then the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from semsynth.papers.pace import Pace, in_words
from semsynth.papers.processes import call
from semsynth.papers.steps import Command, Place, Step, steps_of
from semsynth.papers.study import Study
from semsynth.spelling import typed

JOBS = {"prepare": ("file to make", "files to make"), "train": ("training", "trainings"),
        "score": ("run to score", "runs to score"), "cost": ("run to measure", "runs to measure"),
        "measure": ("network to measure", "networks to measure")}
DAMAGED = "(where its checkpoint cannot be read: delete the directory, and start the study again)"
WHAT = {"prepare": "not made", "train": "not trained", "score": f"no scores {DAMAGED}", "cost": f"no costs {DAMAGED}",
        "measure": "not measured"}


@dataclass(frozen=True)
class Missing:
    """A job that is not done, and the command that does it."""

    job: Path
    what: str
    command: Command

    def __str__(self) -> str:
        return f"{self.job}: {self.what}; `{typed(self.command)}`"


def do_steps(steps: Sequence[Step], later: Sequence[Step], pace: Pace, run: Callable[[Command], int] = call) -> None:
    """Do what is pending. A command that fails is told, and the next one begun.

    Args:
        steps: Of a study.
        later: Those of the studies after it, for the time left.
        pace: Of the jobs so far.
        run: Runs a command and returns its exit code.
    """
    for index, step in enumerate(steps):
        jobs, started = [job for job in step.pending() if step.ready(job)], time.monotonic()
        for command in step.commands(jobs) if jobs else []:
            print(f"-- {len(jobs)} {JOBS[step.kind][len(jobs) > 1]}; {in_words(pace.left([*steps[index:], *later]))}\n"
                  f"{typed(command)}", flush=True)
            if (code := run(command)) != 0:
                print(f"-- it ended with code {code}; the others go on", flush=True)
        done = sum(step.done(job) for job in jobs)
        pace.add(done * (step.minutes or 0), (time.monotonic() - started) / 60)


def missing(steps: Sequence[Step]) -> list[Missing]:
    """What is not done, a line for each job; of a training that is missing, not also its scores."""
    found: dict[Path, Missing] = {}
    for step in steps:
        for job in step.pending():
            found.setdefault(job, Missing(job, WHAT[step.kind], step.commands([job])[0]))
    return list(found.values())


def plan(study: Study, place: Place) -> str:
    """What running a study would do, in words."""
    steps = steps_of(study, place)
    lines = [f"{study.name}: {study.title} ({study.source})", ""]
    for step in steps:
        done = len(step.jobs) - len(step.pending())
        lines += [f"  {typed(command)}" for command in step.commands(step.jobs)]
        lines.append(f"      {len(step.jobs)} to {step.kind}{f', {done} of them done' if done else ''}")
    return "\n".join([*lines, "", in_words(Pace().left(steps))])
