"""Answers `comments.replay`: pages of a room's log for whoever serves sockets."""

import asyncio
import logging

from pydantic import ValidationError

from comments.errors import Unavailable
from comments.reader import Reader
from events import Stop, Wire, subjects
from events.replay import ReplayRequest

GROUP = "comments"

log = logging.getLogger(__name__)


class Replay:
    """Serves the request until it is stopped; the replicas share it."""

    def __init__(self, reader: Reader, wire: Wire) -> None:
        self._reader = reader
        self._wire = wire
        self.served = 0

    async def run(self) -> None:
        stop: Stop = await self._wire.serve(subjects.REPLAY, GROUP, self.answer)
        try:
            await asyncio.Event().wait()
        finally:
            await stop()

    async def answer(self, request: bytes) -> bytes:
        """A page; an empty answer says that it cannot be given now, or that nobody should have asked."""
        try:
            asked = ReplayRequest.model_validate_json(request)
            page = await self._reader.events(asked.app, asked.room, asked.after, asked.limit)
        except (ValidationError, Unavailable) as error:
            log.warning("no replay: %s", error)
            return b""
        self.served += 1
        return page.encode()
