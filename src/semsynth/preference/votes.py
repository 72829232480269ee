"""The votes of a study: one file that is only ever appended to, a JSON object a line.

    {"rater": ID, "number": 0, "page": 0, "at": "2026-01-31T12:00:00+00:00"}         somebody began
    {"rater": ID, "trial": 0, "item": 17, "left": "b", "chosen": "a", "ms": 2300, "shown_ms": null, "at": ...}

A line is on the disk before its vote is confirmed. A process or machine that ends while it writes leaves part of a last
line, which was never confirmed: readers pass it over, and the next server cuts it off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from semsynth.errors import PreferenceError
from semsynth.weights.files import refused, sync_folder

Record = dict[str, Any]


def read_votes(path: Path) -> list[Record]:
    """All whole lines; none where the file is not there yet.

    Raises:
        PreferenceError: a line before the last is none of ours; names it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return _records(path, content[:content.rfind(b"\n") + 1])


def without_doubles(records: Sequence[Record]) -> tuple[list[Record], int]:
    """The lines that say something new, and how many others there are, as in a file that was put together of copies.

    In the order in which a rater answered, whatever that of the lines.

    A vote is what a rater, whose name is random, has answered to a trial, wherever its line has been copied from.

    Raises:
        PreferenceError: lines say two things of one vote, or of how one rater began.
    """
    found: dict[tuple[str, int | None], Record] = {}
    for record in records:
        rater, trial = record["rater"], record.get("trial")
        if found.setdefault((rater, trial), record) != record:
            what = "began twice" if trial is None else f"gave two answers to trial {trial}"
            raise PreferenceError(f"by the file of votes, the rater {rater} {what}: it was put together of copies that "
                                  "do not agree; keep the lines of one of them")
    told = sorted(found.values(), key=lambda record: record.get("trial", -1))
    return told, len(records) - len(found)


def _records(path: Path, content: bytes) -> list[Record]:
    records = []
    for place, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            record = json.loads(line)
            if not _is_record(record):
                raise ValueError
        except (ValueError, RecursionError):
            raise PreferenceError(f"{path}, line {place}: that is no vote; take the line out, or the file from a "
                                  "copy") from None
        records.append(record)
    return records


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("rater"), str):
        return False
    numbers = ("trial", "item") if "trial" in record else ("number", "page")
    words = ("left", "chosen") if "trial" in record else ()
    return (all(type(record.get(key)) is int and record[key] >= 0 for key in numbers)
            and all(isinstance(record.get(key), str) for key in words))


class VoteFile:
    """Appends to the file of votes, which no other process may do meanwhile. Safe to call from several threads.

    Args:
        path: The file; made where it is missing.

    Raises:
        PreferenceError: another process has it, or it holds what is no vote.
        WritingError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            refused(path, error)
            raise
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise PreferenceError(f"{path} is in use: this study is served already; end that server first") from None
        sync_folder(path.parent)  # which may have got the file just now
        try:
            content = path.read_bytes()
            whole = content[:content.rfind(b"\n") + 1]
            self.records = _records(path, whole)
            if len(whole) < len(content):
                os.ftruncate(self._file, len(whole))
        except BaseException:
            self.close()
            raise

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a line, and return when it is on the disk.

        Raises:
            WritingError: it cannot be; nothing of it is left.
        """
        line = (json.dumps(record) + "\n").encode()
        with self._lock:
            before = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError(28, "No space left on device")
                os.fsync(self._file)
            except OSError as error:
                os.ftruncate(self._file, before)
                refused(self.path, error)
                raise
            self.records.append(dict(record))

    def close(self) -> None:
        """Let others have it."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
