"""What Slurm knows of the jobs of a sweep, and their last words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

LOGS = ".submitit"  # in the directory of a sweep: a folder for each job, of its number in Slurm
SECONDS = 30.0  # that squeue may take
TAIL = 4096  # bytes of a log


def asked_queue(sweep: Path, jobs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of the jobs of a sweep that are in Slurm's queue: name -> (state, why it waits).

    Args:
        sweep: The sweep's directory.
        jobs: The names of its jobs, in their order.
    """
    if not (sweep / LOGS).is_dir():
        return {}
    try:
        done = subprocess.run(["squeue", "--me", "--array", "--noheader", "--format=%i|%T|%r|%j"], check=True,
                              capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):
        return {}
    return queued(done.stdout, {path.name for path in (sweep / LOGS).iterdir()}, sweep.resolve().name, jobs)


def queued(queue: str, ids: set[str], name: str, jobs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The same from what squeue says.

    Args:
        queue: Lines `id|state|reason|name`.
        ids: The sweep's own, of this start and earlier ones.
        name: The sweep's.
        jobs: Names of its jobs. A job that has begun has its number in its name in Slurm; one that waits is known by
            its place in the array.

    >>> queued("7_1|PENDING|Resources|rates", {"7_0", "7_1"}, "rates", ["0_seed-0", "1_seed-1"])
    {'1_seed-1': ('PENDING', 'Resources')}
    """
    found = {}
    for line in queue.splitlines():
        number, state, reason, called = line.strip().split("|", 3)
        if number not in ids:
            continue
        begun = re.match(rf"{re.escape(name)}/(\d+)", called)
        place = int(begun[1]) if begun else place_of(number)
        if place < len(jobs):
            found[jobs[place]] = (state, "" if reason == "None" else reason)
    return found


def last_words(sweep: Path, place: int) -> str:
    """The last line that a job of a sweep has said in its newest log; empty where there is none."""
    logs = [path for path in (sweep / LOGS).glob("*/*_log.*") if place_of(path.parent.name) == place]
    for path in sorted(logs, key=lambda log: (log.stat().st_mtime, log.suffix == ".err"), reverse=True):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
        if words := [line for line in lines if line]:
            return words[-1]
    return ""


def place_of(number: str) -> int:
    """A job's place in its array, from its number in Slurm: 2 of `7_2`; 0 where there is but one."""
    return int(number.partition("_")[2] or 0)
