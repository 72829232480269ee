"""A job that does not come to its stop in the time that Slurm leaves it."""

import os
import threading

from semsynth.training.signals import cancelled, put_back, slurm_job

SECONDS = 20.0  # Slurm kills what has not ended 30 seconds after SIGTERM, unless its KillWait says otherwise


class Patience:
    """Puts this Slurm job back in the queue where it has not stopped a while after SIGTERM.

    A batch that takes longer than Slurm waits, or processes that wait for each other, would be killed, and nothing
    would start them again. The job then goes on from the checkpoint that there is.
    """

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._requeued = False

    def start(self) -> None:
        """Begin to wait; where it waits already, nothing happens."""
        if self._timer is None:
            self._timer = threading.Timer(SECONDS, self._lose)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> bool:
        """Wait no longer: it has stopped. Returns whether the job is in the queue already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()  # it may be asking Slurm just now
        return self._requeued

    def _lose(self) -> None:
        job = slurm_job()
        if job is not None and not cancelled(job) and put_back(job):
            self._requeued = True
            os.write(2, f"\n{SECONDS:g} s after SIGTERM the batch has not ended: Slurm will start it again, from the "
                        "checkpoint before\n".encode())
