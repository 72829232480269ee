"""Downloads into torch's cache, as torchvision makes them, that give up where no network answers."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import torch

from semsynth.errors import DownloadError

ANSWER = 5.0  # seconds in which a server must answer at all
SILENCE = 30.0  # seconds without a byte that end a download


def cached(url: str) -> Path:
    """Where torch's cache keeps the file of a URL."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def downloaded(url: str, digest: str) -> Path:
    """The file of a URL, downloaded into torch's cache; its SHA-256 must begin with `digest`.

    Raises:
        DownloadError: no server answers, the file is not what it should be, or it cannot be kept.
    """
    parts = urlsplit(url)
    fault = unreachable(f"{parts.scheme}://{parts.netloc}")
    if fault:
        raise DownloadError(fault)
    path = cached(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _impatient():
            torch.hub.download_url_to_file(url, str(path), digest or None)
    except (OSError, RuntimeError) as error:
        raise DownloadError(getattr(error, "reason", None) or error) from error
    return path


@cache
def unreachable(server: str) -> str:
    """Why a server does not answer within `ANSWER` seconds, asked once for each; empty where it does.

    Asked in a thread of its own: without a network the search for a name alone may take a minute.
    """
    answer = [f"no answer from {urlsplit(server).netloc} within {ANSWER:.0f} s"]

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(server, method="HEAD"), timeout=ANSWER).close()
            answer[0] = ""
        except HTTPError:  # an answer all the same
            answer[0] = ""
        except (OSError, ValueError) as error:
            answer[0] = f"{urlsplit(server).netloc}: {getattr(error, 'reason', None) or error}"

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER)
    return answer[0]


@contextmanager
def _impatient() -> Iterator[None]:
    """End connections that are silent for `SILENCE` seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
