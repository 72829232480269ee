"""Signals while a run prepares, before training takes them over, and after it has given them back."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from omegaconf import DictConfig

from semsynth.place import started_alone
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import CHECKPOINTS
from semsynth.spelling import as_typed_here, resume_command
from semsynth.training.signals import SIGNALS, leaves, requeue


@contextmanager
def stoppable(cfg: DictConfig) -> Iterator[None]:
    """Within this context a signal ends the process in words, with 128 and its number as exit code.

    With `resume=auto` the same command goes on, so that a Slurm job is put back in the queue. Not so on SIGTERM for one
    of several processes: that is how srun and torchrun end the others of one that has failed, as it would again. A job
    that is back in the queue already says its own last words: nothing cuts them short.

    Args:
        cfg: The configuration, with `run_dir` and `resume`.
    """
    if threading.current_thread() is not threading.main_thread() or not is_first_process():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        if leaves():
            return
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # it ends already
        kept = Path(cfg.run_dir, CHECKPOINTS, "last.ckpt").is_file()
        way_on = f"go on with: {resume_command(cfg.run_dir)}" if kept else "nothing of it was trained yet"
        failed = signum == signal.SIGTERM and not started_alone()
        again = "Slurm will start it again" if cfg.resume == "auto" and not failed and requeue() else way_on
        os.write(2, as_typed_here(f"\nStopped by {signal.Signals(signum).name}; {again}\n").encode())
        sys.exit(0 if again != way_on else 128 + signum)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items() if not leaves() else ():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
