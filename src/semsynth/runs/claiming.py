"""One run directory for one job, from the first instant on."""

import errno
import fcntl
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from semsynth.errors import ConfigError
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import CHECKPOINTS, GRIDS, METRICS

LOCK = "in_use"
BY_TIME = re.compile(r"runs/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_")  # the default names
TAKEN = (errno.EACCES, errno.EAGAIN)


@contextmanager
def claimed(cfg: DictConfig, known: bool = False) -> Iterator[None]:
    """Keep `run_dir` for this job; where the start fails before anything is trained, leave no directory behind.

    The claim is a lock on a file in the directory, which ends with the process however that ends: a job that was
    killed leaves nothing that its successor would have to clear away. A default name that another job of the same
    second has taken gets a number (`cfg` is changed in place). The first process claims for the others.

    Args:
        cfg: The configuration, with `run_dir`.
        known: Whether this run has trained before, so that the name is its own.

    Raises:
        ConfigError: another job has the directory.
    """
    if not is_first_process():
        yield
        return
    run_dir = Path(cfg.run_dir)
    if BY_TIME.match(cfg.run_dir) and not known:
        run_dir = _new(run_dir)
        OmegaConf.update(cfg, "run_dir", str(run_dir))
    fresh = not run_dir.exists() or _empty(run_dir)
    lock = _lock(run_dir)
    try:
        yield
    except BaseException:
        if fresh and not any((run_dir / name).exists() for name in (CHECKPOINTS, METRICS, GRIDS)):
            shutil.rmtree(run_dir, ignore_errors=True)
        raise
    finally:
        (run_dir / LOCK).unlink(missing_ok=True)
        os.close(lock)
        if fresh and _empty(run_dir):
            run_dir.rmdir()


def _new(run_dir: Path) -> Path:
    """Make a directory that was not there, with a number behind its name where it was."""
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        name = run_dir if number == 1 else run_dir.with_name(f"{run_dir.name}_{number}")
        try:
            name.mkdir()
            return name
        except FileExistsError:
            number += 1


def _lock(run_dir: Path) -> int:
    """Lock the directory for this process; returns the open file, with which the lock ends.

    Raises:
        ConfigError: another process has it; says which.
    """
    path = run_dir / LOCK
    while True:
        run_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                owner = os.read(file, 200).decode(errors="replace").strip() or "another job"
                os.close(file)
                raise ConfigError(f"run_dir={run_dir} is in use by {owner}: take another run_dir, or wait for its "
                                  f"end") from None
            print(f"{run_dir}: this file system knows no locks ({error.strerror}), so that a second job in this "
                  f"directory would not be noticed", flush=True)
            return file
        if _same_file(file, path):
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            return file
        os.close(file)  # the one who had it has just removed it


def _same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
