"""One model, one piece of work at a time; of each page's wishes only the newest is kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Outdated(Exception):
    """A newer wish has taken the place of this one."""


class Busy(Exception):
    """Too many wait already."""


class Turns:
    """Works in one thread, in the order of arrival.

    A wish replaces the one of its page that still waits, and keeps that one's place; one that comes later than a newer
    one of its page is not worked on at all. At most `waiting` pages wait, and the newest wishes of `pages` are known.

    >>> async def two():
    ...     turns = Turns(waiting=2)
    ...     return await asyncio.gather(turns.run("me", 1, lambda: "a"), turns.run("you", 1, lambda: "b"))
    >>> asyncio.run(two())
    ['a', 'b']
    """

    def __init__(self, waiting: int = 8, pages: int = 256) -> None:
        self.most, self.pages = waiting, pages
        self._thread = ThreadPoolExecutor(1, "model")
        self._newest: OrderedDict[Hashable, int] = OrderedDict()
        self._waiting: OrderedDict[Hashable, tuple[asyncio.Future[Any], Callable[[], Any]]] = OrderedDict()
        self._working: asyncio.Task[None] | None = None

    async def run(self, page: Hashable, turn: int, work: Callable[[], Any]) -> Any:
        """What the work returns.

        Args:
            page: Who wishes, and what kind of thing.
            turn: Number of the wish; the newest counts.
            work: Called in the thread.

        Raises:
            Outdated: there is a newer wish.
            Busy: too many wait.
        """
        if turn <= self._newest.get(page, -1):
            raise Outdated
        before = self._waiting.get(page)
        if before is None and len(self._waiting) >= self.most:
            raise Busy
        self._newest[page] = turn
        self._newest.move_to_end(page)
        while len(self._newest) > self.pages:
            self._newest.popitem(last=False)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if before is not None and not before[0].done():
            before[0].set_exception(Outdated())
        self._waiting[page] = future, work
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                _, (future, work) = self._waiting.popitem(last=False)
                if future.done():  # who asked has gone
                    continue
                try:
                    result = await loop.run_in_executor(self._thread, work)
                except Exception as error:
                    if not future.done():
                        future.set_exception(error)
                else:
                    if not future.done():
                        future.set_result(result)
        finally:
            self._working = None
