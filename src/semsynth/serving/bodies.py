"""Bodies of requests, within bounds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


async def read_body(request: Request, most: int, seconds: float = 30.0) -> bytes:
    """The body, of at most `most` bytes, which may take so long to arrive; more is not taken in.

    Raises:
        HTTPException: 408 it takes too long, 413 it is larger, 400 it was cut off.
    """
    larger = HTTPException(413, f"at most {most / 2**20:.0f} MiB are read" if most >= 2**20 else
                           f"at most {most} bytes are read")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > most:
        raise larger
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise larger
    except TimeoutError:
        raise HTTPException(408, f"the request took longer than {seconds:g} seconds to arrive") from None
    except ClientDisconnect:
        raise HTTPException(400, "the request was cut off") from None
    return bytes(body)


async def read_object(request: Request, most: int) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        HTTPException: as `read_body`; 415 it is not sent as JSON, as no page elsewhere can unasked; 400 it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "application/json is taken")
    try:
        found = json.loads(await read_body(request, most))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "that is no JSON") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "that is no JSON object")
    return found
