"""One run directory for one job, from the first instant on."""

import errno
import fcntl
import os
import re
import shutil
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from semsynth.documents import read_yaml
from semsynth.errors import ConfigError, DocumentError
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import CHECKPOINTS, CONFIG, FINISHED, GRIDS, METRICS, NODES
from semsynth.weights.files import clear_partial

LOCK = "in_use"
BY_TIME = re.compile(r"runs/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_")  # the default names
SECONDS = 2.0  # between two looks at a directory that another process has
FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, process
TAKEN = (errno.EACCES, errno.EAGAIN)


@contextmanager
def claimed(cfg: DictConfig, known: bool = False) -> Iterator[None]:
    """Keep `run_dir` for this job; where the start fails before anything is trained, leave no directory behind.

    The claim is a lock on a file in the directory, which ends with the process however that ends: a job that was
    killed leaves nothing that keeps its successor out, and what it had half written is cleared away. On a file system
    that several machines share the lock holds among them where it knows POSIX locks, as NFS does; a machine that is
    lost keeps it there until the server notices, after a minute or two with NFS 4. A job that Slurm has started again
    waits for the lock: its first start may still run on a node that Slurm has lost sight of. A default name that
    another job of the same second has taken gets a number (`cfg` is changed in place). The first process claims for the
    others.

    Args:
        cfg: The configuration, with `run_dir`.
        known: Whether this run has trained before, so that the name is its own.

    Raises:
        ConfigError: another job has the directory, or what is there is not a run's and would be in the way.
    """
    if not is_first_process():
        yield
        return
    run_dir = Path(cfg.run_dir)
    if BY_TIME.match(cfg.run_dir) and not known:
        run_dir = _new(run_dir)
        OmegaConf.update(cfg, "run_dir", str(run_dir))
    _check_places(run_dir)
    fresh = not run_dir.exists() or _empty(run_dir)
    lock = _lock(run_dir, wait=os.environ.get("SLURM_RESTART_COUNT", "0") != "0")
    try:
        _clear(run_dir)
        yield
    except BaseException:
        if fresh and not any((run_dir / name).exists() for name in (CHECKPOINTS, METRICS, GRIDS)):
            shutil.rmtree(run_dir, ignore_errors=True)
        raise
    finally:
        if _same_file(lock, run_dir / LOCK):  # else that of a job that came while the directory was removed
            (run_dir / LOCK).unlink(missing_ok=True)
        os.close(lock)
        if fresh and _empty(run_dir):
            run_dir.rmdir()


def holder(run_dir: Path) -> str | None:
    """Who trains in a run directory now, as in `process 12 on node1`; None: nobody.

    The lock is not touched, so that a job that begins just now is not kept out. Where the system does not tell of
    locks, the file alone counts, which a job that was killed leaves behind. Not for the job that has the lock itself:
    reading the file would end it.
    """
    try:
        file = os.open(run_dir / LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        words = os.read(file, 200).decode(errors="replace").strip() or "another job"
        return words if _is_locked(file) else None
    finally:
        os.close(file)


def _is_locked(file: int) -> bool:
    if sys.platform != "linux":
        return True
    try:
        answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError:
        return True
    return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


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


def _check_places(run_dir: Path) -> None:
    """Check that what a training will write replaces nothing else, before hours have gone into it.

    Raises:
        ConfigError: names the file.
    """
    for name in (CONFIG, METRICS, FINISHED, f"{CHECKPOINTS}/last.ckpt", f"{CHECKPOINTS}/best.ckpt"):
        path = run_dir / name
        if os.path.lexists(path) and not path.is_file():
            raise ConfigError(f"{path} is in the way, what is there is no file: remove it, or take another run_dir")
    for name in (CHECKPOINTS, GRIDS):
        path = run_dir / name
        if os.path.lexists(path) and not path.is_dir():
            raise ConfigError(f"{path} is in the way, what is there is no folder: remove it, or take another run_dir")
    if not _of_a_run(run_dir / CONFIG):
        raise ConfigError(f"run_dir={run_dir} holds a {CONFIG} that is not a run's, which this one would overwrite: "
                          f"take another run_dir, or move that file away")


def _of_a_run(path: Path) -> bool:
    """Whether a configuration is one of a run, as far as it can be told, or holds nothing."""
    if not path.is_file() or not path.stat().st_size:
        return True
    try:
        plain = read_yaml(path)
    except DocumentError:
        return False
    return isinstance(plain, dict) and {*NODES} <= {*plain}


def _lock(run_dir: Path, wait: bool) -> int:
    """Lock the directory for this process; returns the open file, with which the lock ends.

    Args:
        run_dir: The directory.
        wait: Whether to wait for another process that has it.

    Raises:
        ConfigError: another process has it; says which. Or what should be locked is a link.
    """
    path = run_dir / LOCK
    told = False
    while True:
        run_dir.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:  # a start that failed has just removed the directory
            continue
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise ConfigError(f"{path} is a link, and what it leads to would be written: remove it") from None
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                owner = os.read(file, 200).decode(errors="replace").strip() or "another job"
                os.close(file)
                if wait:
                    if not told:
                        print(f"{run_dir}: waits for the end of {owner}", flush=True)
                    told = True
                    time.sleep(SECONDS)
                    continue
                raise ConfigError(f"run_dir={run_dir} is in use by {owner}: take another run_dir, or wait for its "
                                  f"end") from None
            print(f"{run_dir}: this file system knows no locks ({error.strerror}), so that a second job in this "
                  f"directory would not be noticed", flush=True)
            return file
        if _same_file(file, path):
            with suppress(OSError):  # a full disk: the lock holds without a name
                os.ftruncate(file, 0)
                os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            return file
        os.close(file)  # the one who had it has just removed it


def _same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _clear(run_dir: Path) -> None:
    """Remove what a job that was killed had half written."""
    for folder in (CHECKPOINTS, GRIDS):
        clear_partial(run_dir / folder)
    for name in (CONFIG, METRICS, FINISHED):  # of the job alone that has the lock
        clear_partial(run_dir, name)
    clear_partial(run_dir, seconds=60.0)  # scores may be written just now


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
