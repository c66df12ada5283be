"""Answers `comments.replay`: pages of a room's log for whoever serves sockets."""

import asyncio
import logging

from pydantic import ValidationError

from comments.errors import Unavailable
from comments.reader import Reader
from events import Stop, Wire, subjects
from events.replay import ReplayRequest

PATIENCE_SECONDS = 2.0
"""Who asks waits no longer (fanout's default of `PARLEY_REPLAY_TIMEOUT`): a later answer is for nobody."""

log = logging.getLogger(__name__)


class Replay:
    """Serves the request for one app until it is stopped; the replicas of the app share it.

    When thousands of clients return at once, their pages must neither keep those who post from Postgres nor
    pile up until they are of no use: few are read at a time, and beyond a bound the answer is empty at once.
    """

    def __init__(
        self,
        reader: Reader,
        wire: Wire,
        app: str,
        *,
        at_once: int,
        waiting: int,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`at_once` pages are read side by side, `waiting` requests wait, each for `patience` seconds."""
        self._reader = reader
        self._app = app
        self._wire = wire
        self._free = asyncio.Semaphore(at_once)
        self._limit = waiting
        self._patience = patience
        self.waiting = 0
        self.served = 0
        self.turned_away = 0
        """Requests that were not read: too many waited, or it would have been too late."""

    async def run(self) -> None:
        stop: Stop = await self._wire.serve(subjects.REPLAY, f"comments-{self._app}", self.answer)
        try:
            await asyncio.Event().wait()
        finally:
            await stop()

    async def answer(self, request: bytes) -> bytes | None:
        """A page, or nothing for another app, whose log is elsewhere.

        An empty answer says that the page cannot be given now, or that nobody should have asked for it.
        """
        try:
            asked = ReplayRequest.model_validate_json(request)
            return None if asked.app != self._app else await self._admit(asked)
        except (ValidationError, Unavailable) as error:
            log.warning("no replay: %s", error)
            return b""

    async def _admit(self, asked: ReplayRequest) -> bytes | None:
        if self.waiting >= self._limit and self._free.locked():
            self.turned_away += 1
            return b""
        clock = asyncio.get_running_loop().time
        came = clock()
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            if clock() - came > self._patience:
                self.turned_away += 1
                return None
            return await self._page(asked)
        finally:
            self._free.release()

    async def _page(self, asked: ReplayRequest) -> bytes:
        page = await self._reader.events(asked.room, asked.after, asked.limit)
        self.served += 1
        return page.encode()
