"""Requests: a line of JSON, then bytes; within bounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request

from semsynth.demo.limits import Limits
from semsynth.serving.bodies import read_body

BYTES = "application/octet-stream"
LARGEST = 2**53  # whole numbers that JavaScript keeps


@dataclass(frozen=True)
class Asked:
    """What was sent: `words`, a table, and the `content` after them."""

    words: dict[str, Any]
    content: bytes

    def whole(self, key: str, most: int = LARGEST) -> int:
        """A whole number in [0, most).

        Raises:
            HTTPException: 400, it is none.
        """
        value = self.words.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < most:
            raise HTTPException(400, f"{key} must be a whole number from 0 to {most - 1}")
        return value

    def text(self, key: str, most: int = 200) -> str:
        """A text, cut off where it is too long.

        Raises:
            HTTPException: 400, it is none.
        """
        value = self.words.get(key)
        if not isinstance(value, str):
            raise HTTPException(400, f"{key} must be a text")
        return value[:most]


async def asked(request: Request, limits: Limits, most: int) -> Asked:
    """Read a request whose content has at most so many bytes.

    Raises:
        HTTPException: 408 it takes too long, 413 it is too large, 415 it is of another type, 400 it is something else.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != BYTES:
        raise HTTPException(415, f"requests are of the type {BYTES}")
    bound = limits.head + 1 + most
    try:
        body = await read_body(request, bound, limits.seconds)
    except HTTPException as error:
        raise too_large(most) if error.status_code == 413 and most else error from None
    head, newline, content = body.partition(b"\n")
    if newline and len(head) <= limits.head and len(content) > most > 0:
        raise too_large(most)
    if not newline or len(head) > limits.head or len(content) > most:
        raise HTTPException(413 if newline else 400, "a request is a line of JSON of at most "
                            f"{limits.head / 2**20:.0f} MiB, and at most {most / 2**20:.3g} MiB after it")
    try:
        words = json.loads(head)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the first line is no JSON") from None
    if not isinstance(words, dict):
        raise HTTPException(400, "the first line is no table")
    return Asked(words, content)


def too_large(most: int) -> HTTPException:
    """What is said of a file that somebody uploads."""
    return HTTPException(413, f"the file is too large: at most {most / 2**20:.3g} MiB are read. Scale the picture "
                              "down, or save a photograph as JPEG")


def labels_of(content: bytes, size: tuple[int, int], classes: int) -> np.ndarray:
    """The map (H,W) uint8 in some bytes.

    Raises:
        HTTPException: 400, it has another size or holds what is no class.
    """
    labels = np.frombuffer(content, np.uint8)
    if len(labels) != size[0] * size[1]:
        raise HTTPException(400, f"the map has {len(labels)} pixels, {size[1]}x{size[0]} are painted here")
    if int(labels.max()) >= classes:
        raise HTTPException(400, f"label {int(labels.max())} is no class: there are 0 to {classes - 1}")
    return labels.reshape(size)
