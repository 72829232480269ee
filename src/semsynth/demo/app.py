"""The application: what the page asks, and what it is answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from semsynth.demo.limits import Limits
from semsynth.demo.requests import BYTES, Asked, asked, labels_of
from semsynth.demo.studio import Studio
from semsynth.demo.turns import Busy, Outdated, Turns
from semsynth.demo.uploads import read_photograph
from semsynth.errors import DataError, StyleError

PAGE = Path(__file__).with_name("page")
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LOG = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]


def page_files(folder: Path = PAGE) -> Mapping[str, tuple[bytes, str]]:
    """The files of the page with their types, by name: what can be asked for, and nothing else."""
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in folder.iterdir()
            if path.suffix in TYPES and path.is_file() and not path.is_symlink()}


class Answers:
    """Answers requests from a studio; all work of models and decoders is done in turns."""

    def __init__(self, studio: Studio, limits: Limits) -> None:
        self.studio, self.limits = studio, limits
        self.turns = Turns(limits.waiting, limits.pages)
        self.files = page_files()
        self._asked = 0

    async def file(self, request: Request) -> Response:
        """A file of the page."""
        found = self.files.get(request.path_params.get("name") or "index.html")
        if found is None:
            raise HTTPException(404, "there is no such file")
        return Response(found[0], media_type=found[1])

    async def description(self, _: Request) -> Response:
        """What is painted here."""
        return JSONResponse(self.studio.description)

    async def draw(self, request: Request) -> Response:
        """The picture of a map in a style: RGB bytes."""
        words, labels = await self._map(request)
        index = words.whole("network", len(self.studio.painters))
        painter, style = self.studio.painters[index], words.words.get("style")
        picture = await self._in_turn(words, f"draw {index}", lambda: painter.draw(labels, style))
        return Response(picture.tobytes(), media_type=BYTES)

    async def style(self, request: Request) -> Response:
        """The style of a photograph, which follows the map."""
        words, labels, content = await self._map_and_more(request)
        index = words.whole("network", len(self.studio.painters))
        painter, most = self.studio.painters[index], self.limits.pixels
        style = await self._in_turn(words, f"style {index}",
                                    lambda: painter.encode(read_photograph(content, most), labels))
        return JSONResponse(style)

    async def mask(self, request: Request) -> Response:
        """The classes of an uploaded mask."""
        words = await asked(request, self.limits, self.limits.upload)
        name, masks, most = words.text("name"), self.studio.masks, self.limits.pixels
        labels = await self._in_turn(words, "mask", lambda: masks.read(words.content, name, most))
        return Response(labels.tobytes(), media_type=BYTES)

    async def start(self, request: Request) -> Response:
        """A map of the data set."""
        index = self._start(request)
        name, labels = await self._alone(lambda: self.studio.starts.map(index))
        return Response(labels.tobytes(), media_type=BYTES, headers={"X-Name": quote(name)})

    async def photograph(self, request: Request) -> Response:
        """The photograph of a map of the data set."""
        index = self._start(request)
        return Response(await self._alone(lambda: self.studio.starts.photograph(index)), media_type="image/png")

    async def recipe(self, request: Request) -> Response:
        """The recipe of a picture."""
        words = await asked(request, self.limits, 0)
        index = words.whole("network", len(self.studio.painters))
        files = words.words.get("files")
        if not isinstance(files, dict) or not all(isinstance(files.get(key), str) and 0 < len(files[key]) < 100
                                                  and files[key].isprintable() for key in ("map", "picture")):
            raise HTTPException(400, "files must hold the names map and picture")
        style = words.words.get("style")

        def written() -> str:
            self.studio.painters[index].reference(style)  # no file without a style that is one
            return self.studio.recipe(index, style, files)

        return PlainTextResponse(await self._alone(written))

    async def _map(self, request: Request) -> tuple[Asked, Any]:
        height, width = self.studio.size
        words = await asked(request, self.limits, height * width)
        return words, labels_of(words.content, self.studio.size, self.studio.classes)

    async def _map_and_more(self, request: Request) -> tuple[Asked, Any, bytes]:
        height, width = self.studio.size
        words = await asked(request, self.limits, height * width + self.limits.upload)
        content, more = words.content[:height * width], words.content[height * width:]
        return words, labels_of(content, self.studio.size, self.studio.classes), more

    def _start(self, request: Request) -> int:
        index: int = request.path_params["index"]
        if index >= len(self.studio.starts):
            raise HTTPException(404, f"there are {len(self.studio.starts)} maps to begin with")
        return index

    async def _in_turn(self, words: Asked, kind: str, work: Callable[[], Any]) -> Any:
        return await self.turns.run((words.text("page", 64), kind), words.whole("turn"), work)

    async def _alone(self, work: Callable[[], Any]) -> Any:
        """A wish of its own."""
        self._asked += 1
        return await self.turns.run(("alone", self._asked), 0, work)


def told(handler: Handler) -> Handler:
    """Errors in words, as `{"error": WORDS}`."""
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except HTTPException as error:
            status, words = error.status_code, error.detail
        except Outdated:
            status, words = 409, "a newer stroke has taken the place of this one"
        except Busy:
            status, words = 503, "too many wait for the model: try again in a moment"
        except (DataError, StyleError) as error:
            status, words = 400, str(error)
        except Exception:
            LOG.exception("%s %s", request.method, request.url.path)
            status, words = 500, "this failed: the terminal of the command says why"
        return JSONResponse({"error": words}, status)

    return answer


def application(studio: Studio, limits: Limits | None = None) -> Starlette:
    """The application, without a guard."""
    answers = Answers(studio, limits or Limits())
    routes = [
        Route("/api/description", told(answers.description)),
        Route("/api/draw", told(answers.draw), methods=["POST"]),
        Route("/api/style", told(answers.style), methods=["POST"]),
        Route("/api/mask", told(answers.mask), methods=["POST"]),
        Route("/api/recipe", told(answers.recipe), methods=["POST"]),
        Route("/api/starts/{index:int}", told(answers.start)),
        Route("/api/starts/{index:int}/photo", told(answers.photograph)),
        Route("/", told(answers.file)),
        Route("/{name}", told(answers.file)),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app
