"""Bodies of requests, within bounds."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def read_body(request: Request, most: int) -> bytes:
    """The body, of at most `most` bytes; more is not taken in.

    Raises:
        HTTPException: 413, it is larger.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"at most {most} bytes are taken")
    return bytes(body)


async def read_object(request: Request, most: int) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        HTTPException: 413 as `read_body`; 415, it is not sent as JSON, which no page elsewhere can without being asked;
            400, it is no object.
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
