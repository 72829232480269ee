"""The signals that stop a run, and Slurm's way to start it again."""

import os
import re
import signal
import subprocess

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_job = {"leaves": False}


def leaves() -> bool:
    """Whether this Slurm job is back in the queue: Slurm ends its processes, which end by themselves already."""
    return _job["leaves"]


def slurm_job() -> str | None:
    """This process' job as Slurm's commands call it, such as `12` or `12_3`; None outside Slurm."""
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")


def cancelled(job: str) -> bool:
    """Whether Slurm ends a job for another reason than its time: `scancel`, or because Slurm itself starts it again.

    Or has started it again already, on another node, while it had lost sight of the one of this process.
    """
    try:
        told = subprocess.run(["scontrol", "show", "job", job], check=False, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return False
    said = dict(re.findall(r"(JobState|Reason|Restarts)=(\w+)", told))
    if said.get("Restarts", "0") != os.environ.get("SLURM_RESTART_COUNT", "0"):
        return True
    return said.get("JobState", "RUNNING") != "RUNNING" and said.get("Reason") != "TimeLimit"


def requeue() -> bool:
    """Put this Slurm job back in the queue; False outside Slurm, where Slurm refuses, and for a job that is cancelled.

    Slurm then ends the job's processes by SIGTERM, which this one ignores from here on: it ends by itself.
    """
    job = slurm_job()
    if job is None or cancelled(job):
        return False
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    if put_back(job):
        return True
    for number, handler in before.items():
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)
    return False


def put_back(job: str) -> bool:
    """Put a Slurm job back in the queue, whose processes Slurm then ends; False where Slurm refuses or is not there."""
    try:
        _job["leaves"] = subprocess.run(["scontrol", "requeue", job], check=False).returncode == 0
    except FileNotFoundError:
        return False
    return leaves()
