"""How a sweep on Slurm learns what becomes of its jobs where Slurm keeps no accounts (`sacct` fails)."""

import shutil
import subprocess
import sys
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")
SECONDS = 60  # between two looks at the queue, at most


class AskTheQueue(Callback):
    """Before a sweep on Slurm, look for it, and have submitit ask `squeue` for its jobs where `sacct` answers nothing.

    Submitit asks `sacct` alone, warns every few minutes where that fails, and would wait for ever for a job that was
    ended from outside.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Look which of the two answers."""
        if not str(config.hydra.launcher._target_).endswith(".SlurmLauncher"):
            return
        if shutil.which("srun") is None:
            print("hydra/launcher=slurm: there is no Slurm on this machine (srun is not found); start the sweep on a "
                  "login node of your cluster, or without this word", file=sys.stderr)
            sys.exit(2)
        if subprocess.run(["sacct", "--noheader", "--jobs=1"], capture_output=True, check=False).returncode:
            from submitit.slurm.slurm import SlurmJob

            SlurmJob.watcher = queue_watcher()


def queue_watcher() -> Any:
    """A watcher of submitit that asks `squeue`."""
    from submitit.slurm.slurm import SlurmInfoWatcher

    class QueueWatcher(SlurmInfoWatcher):
        def _make_command(self) -> list[str] | None:
            if not self._registered - self._finished:
                return None
            return ["squeue", "--me", "--array", "--noheader", "--states=all", "--format=%i|%T|%N"]

        def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
            text = string if isinstance(string, str) else string.decode()
            return states(text, self._registered)

    return QueueWatcher(delay_s=SECONDS)


def states(queue: str, jobs: set[str]) -> dict[str, dict[str, str]]:
    """What submitit wants to know of its jobs.

    Args:
        queue: Lines `job|state|nodes`.
        jobs: The jobs that are asked for. Slurm forgets a job some minutes after its end.

    >>> states("12_0|FAILED|node1\\n12_1|REQUEUE_HOLD|", {"12_0", "12_1", "12_2"})["12_1"]["State"]
    'PENDING'
    """
    found = {job: {"JobID": job, "State": "ENDED", "NodeList": ""} for job in jobs}
    for line in queue.splitlines():
        job, state, nodes = line.strip().split("|")
        if job in found:
            found[job] |= {"State": state if state in (*ENDED, "RUNNING") else "PENDING", "NodeList": nodes}
    return found
