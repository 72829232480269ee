"""Faults of the machine in words, with the way out: its disk, its handles, its memory, its processes."""

import errno
import os
import re

WAYS_OUT = {
    errno.ENOSPC: "free some space, or take another place",
    errno.EDQUOT: "free some space, or take another place",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or take another place",
    errno.EROFS: "take a place that can be written",
    errno.EACCES: "change whom it belongs to or who may use it, or take another place",
    errno.EPERM: "change whom it belongs to or who may use it, or take another place",
    errno.EIO: "the disk fails: take another place, and look at the system's log",
    errno.ESTALE: "the file system was away for a while: try again",
    errno.ENOTDIR: "a file stands where a folder should: remove it, or take another place",
    errno.EEXIST: "a file stands where a folder should: remove it, or take another place",
    errno.EISDIR: "a folder stands where a file should: remove it, or take another place",
    errno.ENAMETOOLONG: "take a shorter name",
    errno.EMFILE: "raise the limit (ulimit -n), or read with fewer processes (data.num_workers, workers)",
    errno.ENFILE: "close what else runs on this machine, or raise the limit (sysctl fs.file-max)",
    errno.ENOMEM: "memory is short: read with fewer processes (data.num_workers, workers), or close what else runs",
}
GONE = "the folder that this was started in is gone: change into one that is there (cd)"
HANDLES = "too many open files: " + WAYS_OUT[errno.EMFILE]
SHARED = ("the loader's processes hand over batches through shared memory (/dev/shm), which is full or missing: make "
          "it larger (docker run --shm-size=8g), or set data.num_workers=0")
ENDED = ("another process of this command has ended, so that this one cannot go on; what ended it stands in its own "
         "words or in its log")
# What torch says, in the order in which it is looked for; {0} stands for what the parentheses hold.
OF_TORCH = (
    (r"can't allocate memory: you tried to allocate (\d+) bytes",
     "there is no memory for {0} bytes at once: take a smaller batch, size or network (generator.ngf, "
     "discriminator.ndf), or close what else runs"),
    (r"Too many open files|received \d+ items of ancdata", HANDLES),
    (r"shared memory|Bus error|/torch_\d+\S*: No space left|shm_open", SHARED),
    (r"DataLoader worker \(pid\(?s?\)? ([\d, ]+)\) (?:is killed by signal: Killed|exited unexpectedly)",
     "a process that reads data (pid {0}) was ended from outside, mostly for want of memory: read with fewer "
     "(data.num_workers=1), or close what else runs"),
    (r"DataLoader worker \(pid\(?s?\)? ([\d, ]+)\) is killed by signal: ([^.]+)",
     "a process that reads data (pid {0}) was ended by a signal ({1}): try again, with fewer (data.num_workers=1)"),
    (r"Cannot allocate memory", WAYS_OUT[errno.ENOMEM]),
    (r"gloo/transport|remote process exit", ENDED),  # gloo and NCCL of a process that they were connected to
)


def in_words(error: BaseException) -> str | None:
    """What the machine lacks, where that is what an error says; None for all others.

    Args:
        error: Of the system (`OSError`), or torch's about the processes and the memory of its loaders.
    """
    if isinstance(error, OSError):
        if error.errno in WAYS_OUT:
            return f"{_place(error)}{os.strerror(error.errno or 0).lower()}: {WAYS_OUT[error.errno or 0]}"
        if error.errno == errno.ENOENT and error.filename is not None and _holds_no_files(error.filename):
            return f"{_place(error)}no file can be made there: take another place"
        if error.errno is not None:
            return GONE if error.errno == errno.ENOENT and error.filename is None and _nowhere() else None
    elif not isinstance(error, RuntimeError):
        return None
    for pattern, words in OF_TORCH:
        if found := re.search(pattern, str(error)):
            return words.format(*found.groups())
    return None


def fault_behind(error: BaseException) -> OSError | None:
    """The system's error that an error is, or was raised for; torch, for one, covers those of the files it writes."""
    seen: BaseException | None = error
    while seen is not None and not (isinstance(seen, OSError) and seen.errno in WAYS_OUT):
        seen = behind(seen)
    return seen if isinstance(seen, OSError) else None


def behind(error: BaseException) -> BaseException | None:
    """The error that another was raised for, or while it was handled, as a traceback shows them."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _holds_no_files(name: str | bytes) -> bool:
    """Whether a name stands in a file system without blocks, such as /proc, where nothing can be made."""
    try:
        return os.statvfs(os.path.dirname(os.path.abspath(name))).f_blocks == 0
    except OSError:
        return False


def _nowhere() -> bool:
    """Whether the folder that this process works in was removed."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _place(error: OSError) -> str:
    return "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
