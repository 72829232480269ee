"""Trainings on the cluster, and what happens to them; each function starts one, follows it and returns what came of it.

They take a moment: most of it goes into starting Python, so that few processes answer many questions.
"""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from commands import ROOT, SMALL

EPOCHS = 12  # far more than pass between a line of the log and what is done about it
WORDS = (*SMALL, "size=32", "encoder.nef=4", "encoder.z_dim=4", "dataset.train_length=8", "dataset.val_length=2",
         "scores=none", f"epochs={EPOCHS}", "callbacks.progress.seconds=0")
RATES = ("0.0001", "0.0002")
TOO_HIGH = "1000000000.0"
TRAIN = (sys.executable, "-u", "train.py")
AGAIN = "Slurm will start it again"
MINUTES = 8  # that anything here may take at most


@dataclass
class Followed:
    """What came of a job: its run directory and all that it has said."""

    run_dir: Path
    said: str


class Job:
    """One job of a sweep: its run directory, and what it says."""

    def __init__(self, folder, number):
        self.folder, self.number = folder, number

    @property
    def run_dir(self):
        found, = self.folder.glob(f"{self.number}_*")
        return found

    def said(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob(f".submitit/*_{self.number}/*log.*")))


@dataclass
class Swept:
    """What came of a sweep: its folder, what the command has said, and what `squeue` has told in the meantime."""

    folder: Path
    code: int
    said: str
    names: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    at_once: int = 0

    def job(self, number):
        return Job(self.folder, number)


def python(slurm, *command, **settings):
    return subprocess.Popen(command, cwd=ROOT, env=slurm.environment_of_jobs, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **settings)


def uninterrupted(slurm, folder):
    """The runs of the sweep in one process, on what Slurm calls a login node."""
    process = python(slurm, *TRAIN, "-m", f"optim.generator.lr={','.join(RATES)}", *WORDS,
                     f"hydra.sweep.dir={folder}/uninterrupted")
    said, _ = process.communicate(timeout=60 * MINUTES)
    return Swept(folder / "uninterrupted", process.returncode, said)


def sweep(slurm, folder):
    """Three jobs, two at a time: one is preempted three times, one is warned before its time is over, one fails."""
    process = python(slurm, *TRAIN, "-m", "hydra/launcher=slurm", "resume=auto",
                     f"optim.generator.lr={','.join((*RATES, TOO_HIGH))}", *WORDS, f"hydra.sweep.dir={folder}/rates",
                     "hydra.launcher.array_parallelism=2", "hydra.launcher.cpus_per_task=1")
    swept = Swept(folder / "rates", 0, "")
    first = slurm.wait_for("the sweep to be submitted", lambda: next(swept.folder.glob(".submitit/*_0"), None), 120)
    array = first.name.removesuffix("_0")
    with ThreadPoolExecutor() as threads:
        followers = [threads.submit(follow, slurm, f"{array}_{number}", swept.job(number))
                     for number, follow in enumerate((preempt_three_times, warn_before_the_end))]
        end = time.monotonic() + 60 * MINUTES
        while process.poll() is None and time.monotonic() < end:
            look(slurm, array, swept)
            time.sleep(0.5)
        process.kill()
        for follower in followers:
            follower.result()
    swept.code, swept.said = process.returncode, process.stdout.read()
    return swept


def look(slurm, array, swept):
    lines = slurm.call("squeue", "--array", "--noheader", "--format=%i|%T|%j|%r").splitlines()
    told = [line.split("|") for line in lines if line.startswith(f"{array}_")]
    swept.names |= {name for *_, name, _ in told}
    swept.reasons |= {reason for *_, reason in told}
    swept.at_once = max(swept.at_once, sum(state in ("RUNNING", "STOPPED") for _, state, *_ in told))


def in_epoch(slurm, epoch, said):
    slurm.wait_for(f"epoch {epoch}", lambda: re.search(rf"epoch {epoch}/\d+  batch 1/", said()), 60 * MINUTES, 0.05)


def held_in_epoch(slurm, epoch, job):
    """The number of the job's first process, which stands still in this epoch: what now happens to it happens there."""
    in_epoch(slurm, epoch, job.said)
    pid = int(re.match(r"process (\d+) ", (job.run_dir / "in_use").read_text()).group(1))
    os.kill(pid, signal.SIGSTOP)
    slurm.wait_for(f"process {pid} to stand still", lambda: status(pid, "State").startswith("T"), every=0.05)
    return pid


def status(pid, field):
    return re.search(rf"^{field}:\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1)


def has(pid, signum):
    """Whether a signal waits for a process that stands still."""
    return int(status(pid, "ShdPnd"), 16) >> (signum - 1) & 1


def preempt_three_times(slurm, number, job):
    for epoch in (2, 3, 4):
        pid = held_in_epoch(slurm, epoch, job)
        slurm.call("scancel", "--signal=USR1", number)
        slurm.wait_for("the signal to arrive", lambda pid=pid: has(pid, signal.SIGUSR1), every=0.05)
        os.kill(pid, signal.SIGCONT)
        slurm.wait_for(f"{number} to stop", lambda stops=epoch - 1: job.said().count(AGAIN) == stops, 240)


def warn_before_the_end(slurm, number, job):
    """The job's time is nearly over, so that Slurm sends the signal that the launcher has asked for."""
    held_in_epoch(slurm, 2, job)  # until Slurm has it continue
    slurm.set_minutes(number, minutes_of(slurm, number) + 2)
    slurm.wait_for("the warning", lambda: AGAIN in job.said(), 300)
    slurm.set_minutes(number, 60)


def minutes_of(slurm, job):
    """For how many whole minutes a job has run."""
    *rest, minutes, _ = slurm.call("squeue", "--noheader", "--format=%M", f"--jobs={job}").strip().split(":")
    return int(minutes) + 60 * (int(rest[0]) if rest else 0)


class Batch:
    """A job of `sbatch`: its number, its log, its run directory."""

    def __init__(self, slurm, folder, name, options, command):
        self.slurm, self.run_dir, self.log = slurm, folder / name, folder / f"{name}.log"
        script = folder / f"{name}.sh"
        words = " ".join((*command, "resume=auto", f"run_dir={self.run_dir}", *WORDS))
        script.write_text(f"#!/bin/bash\n#SBATCH --time=60 --open-mode=append {options}\n{words}\n")
        self.number = slurm.call("sbatch", "--parsable", f"--output={self.log}", str(script), cwd=ROOT,
                                 env=slurm.environment_of_jobs).strip()

    def said(self):
        return self.log.read_text() if self.log.exists() else ""

    def finished(self):
        self.slurm.wait_for(f"{self.log} to end", (self.run_dir / "finished").is_file, 60 * MINUTES)
        return Followed(self.run_dir, self.said())


def lost_node(slurm, folder):
    """The node's slurmd dies; its processes go on, and Slurm starts the job again on another node."""
    job = Batch(slurm, folder, "lost", "--partition=spare", ("srun", *TRAIN, f"optim.generator.lr={RATES[0]}"))
    held_in_epoch(slurm, 3, job)
    node = slurm.call("squeue", "--noheader", "--format=%N", f"--jobs={job.number}").strip()
    slurm.kill_node(node)
    slurm.wait_for("the second start to find the first one", lambda: "waits for the end of process" in job.said(), 240)
    slurm.start_node(node)  # whose first act is to end what runs there
    return job.finished()


def two_nodes(slurm, folder):
    """A process on each of two nodes; the job's time is over without a warning."""
    job = Batch(slurm, folder, "nodes", "--nodes=2 --ntasks-per-node=1",
                ("srun", *TRAIN, "gpus=1", "nodes=2"))
    held_in_epoch(slurm, 3, job)
    slurm.set_minutes(job.number, minutes_of(slurm, job.number) or 1)
    slurm.wait_for("the end of the time", lambda: AGAIN in job.said(), 200)
    slurm.set_minutes(job.number, 60)
    return job.finished()


def sweep_of_one(slurm, folder):
    """A sweep whose only job is two processes; nothing happens to it."""
    process = python(slurm, *TRAIN, "-m", "hydra/launcher=slurm", "resume=auto", "gpus=2", *WORDS,
                     f"hydra.sweep.dir={folder}/pair", "hydra.launcher.cpus_per_task=1")
    said, _ = process.communicate(timeout=60 * MINUTES)
    return Swept(folder / "pair", process.returncode, said)


def restarted_workers(slurm, folder):
    """Two processes of torchrun, of which one is killed."""
    job = Batch(slurm, folder, "workers", "--ntasks=1 --cpus-per-task=2",
                ("torchrun", "--nproc-per-node=2", "--max-restarts=2", "train.py", "gpus=2"))
    in_epoch(slurm, 3, job.said)
    slurm.kill_worker(job.number, "LOCAL_RANK=1")
    return job.finished()


def cancelled(slurm, folder):
    """Somebody wants it no more."""
    job = Batch(slurm, folder, "cancelled", "--ntasks=1", ("srun", *TRAIN))
    held_in_epoch(slurm, 2, job)
    slurm.call("scancel", job.number)
    slurm.wait_for("it to leave the queue", lambda: job.number not in
                   slurm.call("squeue", "--noheader", "--format=%i").split(), 120)
    return Followed(job.run_dir, job.said())


ALL = {follow.__name__: follow for follow in (uninterrupted, sweep, lost_node, two_nodes, sweep_of_one,
                                              restarted_workers, cancelled)}
