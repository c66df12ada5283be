"""Answers `comments.replay`: pages of a room's log for whoever serves sockets."""

import asyncio
import logging

from pydantic import ValidationError

from comments.errors import Unavailable
from comments.reader import Reader
from events import Stop, Wire, subjects
from events.replay import ReplayRequest

log = logging.getLogger(__name__)


class Replay:
    """Serves the request for one app until it is stopped; the replicas of the app share it."""

    def __init__(self, reader: Reader, wire: Wire, app: str) -> None:
        self._reader = reader
        self._app = app
        self._wire = wire
        self.served = 0

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
            if asked.app != self._app:
                return None
            page = await self._reader.events(asked.room, asked.after, asked.limit)
        except (ValidationError, Unavailable) as error:
            log.warning("no replay: %s", error)
            return b""
        self.served += 1
        return page.encode()
