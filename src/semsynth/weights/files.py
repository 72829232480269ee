"""Writing files that are whole or not there, whenever the process or the machine ends."""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from semsynth.errors import WritingError
from semsynth.machine import fault_behind, in_words

PARTIAL = ".partial"  # last suffix of a file that is being written, or whose writer was killed


def write_text(path: Path, text: str) -> Path:
    """Write a text file in one step; return its path. Errors as `write_with`."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file in one step; return its path. Errors as `write_with`."""
    return write_with(path, lambda file: file.write(content))


def write_with(path: Path, write: Callable[[BinaryIO], object], sync: bool = True) -> Path:
    """Let `write` fill a file beside `path`, and move it there when it is whole and on the disk; return the path.

    What was there before stays until then. Several processes may write the same file, the last one counts. A writer
    that is killed leaves `NAME.*.partial`, see `clear_partial`.

    Args:
        path: The file; its folder is made where it is missing.
        write: Writes to the open file.
        sync: Wait until it is on the disk; False: for many files of one kind, which are easily made again.

    Raises:
        WritingError: the disk is full, the place cannot be written, or something else than a file is there.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    if path.exists() and not path.is_file():  # else a device would be replaced
        raise WritingError(f"{path} cannot be written: what is there is no file. Take another place")
    try:
        made = [*takewhile(lambda folder: not folder.exists(), path.parents)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            write(file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)
        if sync:
            for folder in {path.parent, *(folder.parent for folder in made)}:
                sync_folder(folder)
    except Exception as error:
        refused(path, error)
        raise
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def refused(path: Path, error: Exception) -> None:
    """Say in words that a file could not be written, where the system did not let it.

    Raises:
        WritingError: it did not; names the file.
    """
    fault = fault_behind(error)
    if fault is not None:
        fault.filename = None  # that of the partial file would be of no use
        raise WritingError(f"{path} cannot be written, {in_words(fault)}") from error


def clear_partial(folder: Path, name: str = "*", seconds: float = 0.0) -> None:
    """Remove what killed writers of a file (`*`: of any) have left in a folder and was not touched for some seconds."""
    for path in folder.glob(f"{name}.{'[0-9a-f]' * 8}{PARTIAL}"):  # as `write_with` names them
        with suppress(OSError):
            if time.time() - path.stat().st_mtime >= seconds:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where its file system can: without, a power cut may lose a new file."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
