"""How the jobs of a sweep are: what runs, waits, stopped or failed and why, and how far each is."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semsynth.digits import duration
from semsynth.errors import ReportError
from semsynth.reporting.queue import asked_queue, last_words
from semsynth.runs.claiming import holder
from semsynth.runs.directory import CHECKPOINTS, CONFIG, PROGRESS, Run
from semsynth.runs.failures import failed_jobs, failure
from semsynth.runs.jobs import read_sweep
from semsynth.spelling import named, typed

FINISHED, RUNNING, FAILED, STOPPED, WAITING = STATES = ("finished", "running", "failed", "stopped", "waiting")
STANDING = {"epoch": int, "epochs": int, "batch": int, "batches": int, "left_s": int | float | None}
SILENT = 600  # seconds without a batch, after which that is said
LINES = 6  # of why a job failed


@dataclass(frozen=True)
class Job:
    """A job of a sweep.

    Attributes:
        name: Of its directory.
        state: One of `STATES`. Stopped: neither runs it nor did it fail in words, as after a signal.
        words: Who has it, why it waits or failed, or what it said last.
        standing: How far it is, see `semsynth.training.standing`.
        silent: Seconds since that was written.
    """

    name: str
    state: str
    words: str = ""
    standing: dict[str, Any] = field(default_factory=dict)
    silent: float = 0.0


def status(sweep: Path) -> str:
    """The page for people: a line for each job, and the command that goes on with those that neither run nor wait.

    Raises:
        ReportError: there is no such sweep.
    """
    plan = read_sweep(sweep)
    jobs = read_jobs(sweep, plan.jobs if plan else ())
    if not jobs:
        what = "holds no sweep of trainings" if sweep.is_dir() else "there is no such directory"
        raise ReportError(f"status={sweep}: {what}: give the directory of one, as in status=multirun/NAME")
    again = typed(["train", "-m", *with_resume(plan.words), named("hydra.sweep.dir", sweep)]) if plan else None
    return page(sweep, jobs, again, dict(zip(plan.jobs, plan.short, strict=True)) if plan else {})


def with_resume(words: Sequence[str]) -> list[str]:
    """The words of a sweep, with which it passes over what is finished and goes on with the rest."""
    return [*(word for word in words if not word.startswith("resume=")), "resume=auto"]


def read_jobs(sweep: Path, planned: Sequence[str]) -> list[Job]:
    """The jobs of a sweep: those that are planned, and others that have left something there."""
    others = {path.parent.name for path in sweep.glob(f"*/{CONFIG}")} | {*failed_jobs(sweep)}
    names = [*planned, *sorted(others - {*planned})]
    queue = asked_queue(sweep, planned)
    return [_read(sweep, name, queue.get(name), planned) for name in names]


def _read(sweep: Path, name: str, queued: tuple[str, str] | None, planned: Sequence[str]) -> Job:
    run_dir = sweep / name
    standing, silent = _standing(run_dir / PROGRESS)
    holding = holder(run_dir)
    if holding:
        return Job(name, RUNNING, holding, standing, silent)
    if Run(run_dir).finished >= standing.get("epochs", 1):
        return Job(name, FINISHED, "", standing)
    if queued:
        state, reason = queued
        return Job(name, WAITING, reason, standing) if state == "PENDING" else Job(name, RUNNING, state, standing)
    words = failure(run_dir)
    if words is not None:
        return Job(name, FAILED, words, standing)
    said = last_words(sweep, planned.index(name)) if name in planned else ""
    if said or (run_dir / CONFIG).exists():
        kept = (run_dir / CHECKPOINTS / "last.ckpt").is_file()
        return Job(name, STOPPED, said or ("" if kept else "without a checkpoint"), standing)
    return Job(name, WAITING, "", standing)


def _standing(path: Path) -> tuple[dict[str, Any], float]:
    """How far a run is and for how many seconds it has been so; nothing where no whole file says it."""
    try:
        found = json.loads(path.read_bytes()[:1000])
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError, RecursionError):
        return {}, 0.0
    whole = isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in STANDING.items())
    return (found, age) if whole else ({}, 0.0)


def page(sweep: Path, jobs: Sequence[Job], again: str | None, short: Mapping[str, str]) -> str:
    """The page of these jobs, some of which have a shorter name."""
    count = Counter(job.state for job in jobs)
    parts = ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
    rows = [(job.state, short.get(job.name, job.name), *_how_far(job)) for job in jobs]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = [f"{sweep}: {len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}, {parts}"]
    for job, row in zip(jobs, rows, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        lines.append("  ".join(("", *cells)).rstrip())
        if job.state == FAILED:
            lines += [f"      {line}" for line in job.words.splitlines()[:LINES]]
    idle = not (count[RUNNING] or (count[WAITING] and any(job.words for job in jobs if job.state == WAITING)))
    if again and (count[FAILED] or count[STOPPED] or (count[WAITING] and idle)):
        when = "" if idle else "once no job runs or waits in a queue, "
        lines += [f"{when}this starts what is not finished, from its checkpoint where it has one:", f"  {again}"]
    return "\n".join(lines)


def _how_far(job: Job) -> tuple[str, str, str, str]:
    """Cells: the epoch, the batch, the time left, and what else there is to say."""
    at = job.standing
    epoch = f"epoch {at['epoch']}/{at['epochs']}" if at else ""
    batch = f"batch {at['batch']}/{at['batches']}" if at and job.state != FINISHED else ""
    left = f"{duration(at['left_s'])} left" if at and job.state == RUNNING and at["left_s"] is not None else ""
    words = "" if job.state == FAILED else job.words
    if job.state == RUNNING and job.silent > SILENT:
        words += f", no batch for {duration(job.silent)}"
    return epoch, batch, left, words
