"""Where a published file lies on this machine: the folder of weights, torch's cache, or a download into that."""

import os
from functools import cache
from pathlib import Path

from semsynth.errors import DownloadError
from semsynth.pretrained.download import cached, downloaded
from semsynth.pretrained.files import PretrainedFile
from semsynth.spelling import typed
from semsynth.weights.tensor_files import sha256_of

VARIABLE = "SEMSYNTH_WEIGHTS"
TOOL = typed(["weights"])


class MissingWeights(ValueError):
    """A published file that cannot be had, in one line: which, and why."""


def folder() -> Path:
    """The folder of weights: `$SEMSYNTH_WEIGHTS`, or `weights` where that is not set."""
    return Path(os.environ.get(VARIABLE) or "weights").expanduser()


def tool(dataset: str | None = None) -> str:
    """The command that lists what is needed for a data set, and where it comes from."""
    return TOOL if dataset is None else f"{TOOL} dataset={dataset}"


def find(file: PretrainedFile) -> Path | None:
    """The file where it lies on this machine, by name alone: in the folder of weights, or in torch's cache."""
    places = [folder() / name for name in (file.name, file.also) if name]
    if file.fetched:
        places.append(cached(file.url))
    return next((path for path in places if path.is_file()), None)


def obtain(file: PretrainedFile) -> Path:
    """The file, whose SHA-256 begins as published; downloaded where that is usual and a network answers.

    Raises:
        MissingWeights: it is not there, or it is another file than its authors'.
    """
    path = find(file)
    if path is None:
        place = folder() / file.name
        if not file.fetched:
            raise MissingWeights(f"{place} is missing")
        try:
            return downloaded(file.url, file.digest)
        except DownloadError as error:
            raise MissingWeights(f"{place} is missing, and cannot be downloaded ({error})") from error
    fault = wrong_digest(path, file)
    if fault:
        raise MissingWeights(f"{path} {fault}")
    return path


def wrong_digest(path: Path, file: PretrainedFile) -> str:
    """What is wrong with the SHA-256 of a file, in words; empty where it is right, or not known."""
    if not file.digest:
        return ""
    state = path.stat()
    found = _digest(path, state.st_size, state.st_mtime_ns)
    if found.startswith(file.digest):
        return ""
    return f"is damaged or another file: its SHA-256 begins {found[:8]}, not {file.digest}"


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file, computed once for each state of it: half a gigabyte takes half a second."""
    return sha256_of(path)
