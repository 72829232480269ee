"""The page of a study and what it asks of the server; nothing that is sent tells which method made a picture."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from semsynth.errors import WritingError
from semsynth.preference.order import SIDES
from semsynth.preference.session import MOST_MS, Closed, Conflict, Session, Unknown, describe
from semsynth.serving.bodies import read_object
from semsynth.serving.rate import Rate

PAGE = Path(__file__).with_name("page")
KINDS = {"index.html": "text/html; charset=utf-8", "page.css": "text/css", "page.js": "text/javascript"}
MOST_BYTES = 1024  # of a vote
NEW_RATERS = 120  # a minute; more are a flood, which would fill the disk


def make_app(session: Session) -> Starlette:
    """The application, without the guard that stands before it (`semsynth.serving.guard`).

    GET  /                                the page; with ?rater=NAME that of a rater
    GET  /api/study                       what it says before anybody begins
    POST /api/raters {}                   begin: {"rater": NAME}
    GET  /api/raters/NAME                 what is next
    POST /api/raters/NAME/votes {...}     an answer: {"trial", "side", "ms", "shown_ms"}; what is next
    GET  /api/raters/NAME/TRIAL/left      a picture, or right, or map
    """
    rate = Rate(NEW_RATERS, 60.0)

    def page(name: str, request: Request) -> Response:
        return Response((PAGE / name).read_bytes(), media_type=KINDS[name])

    def about(request: Request) -> Response:
        return JSONResponse(describe(session.study))

    async def begin(request: Request) -> Response:
        await read_object(request, MOST_BYTES)
        if not rate.admit():
            raise HTTPException(429, "Too many begin at once: try again in a minute.")
        return JSONResponse({"rater": await run_in_threadpool(session.begin)}, 201)

    def state(request: Request) -> Response:
        return JSONResponse(session.state(request.path_params["rater"]))

    async def vote(request: Request) -> Response:
        words = _vote(await read_object(request, MOST_BYTES))
        return JSONResponse(await run_in_threadpool(session.vote, request.path_params["rater"], *words))

    def picture(request: Request) -> Response:
        asked = request.path_params
        if not re.fullmatch(r"[0-9]{1,6}", asked["trial"]):
            raise Unknown
        path = session.picture(asked["rater"], int(asked["trial"]), asked["which"])
        return Response(path.read_bytes(), media_type="image/png")

    routes = [Route("/", partial(page, "index.html")), Route("/api/study", about),
              *(Route(f"/{name}", partial(page, name)) for name in ("page.css", "page.js")),
              Route("/api/raters", begin, methods=["POST"]), Route("/api/raters/{rater}", state),
              Route("/api/raters/{rater}/votes", vote, methods=["POST"]),
              Route("/api/raters/{rater}/{trial}/{which}", picture)]
    return Starlette(routes=routes, exception_handlers={
        Closed: _told(410, "The study is complete: it takes no more raters."),
        Unknown: _told(404, "There is nothing here."), Conflict: _told(409, "That pair was answered already."),
        WritingError: _told(507, "The answer could not be kept."), HTTPException: _as_said})


def _vote(sent: dict[str, Any]) -> tuple[int, str, int, int | None]:
    trial, side, ms, shown = (sent.get(key) for key in ("trial", "side", "ms", "shown_ms"))
    if not (_is_whole(trial) and side in SIDES and _is_whole(ms) and (shown is None or _is_whole(shown))):
        raise HTTPException(400, "an answer is a trial, a side, and times in ms")
    return trial, side, ms, shown  # type: ignore[return-value]


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_MS


def _told(code: int, words: str) -> Any:
    def answer(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": words}, code)

    return answer


def _as_said(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code)
