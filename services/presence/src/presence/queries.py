"""Answers `presence.query`: who is in a room, for whoever serves sockets."""

import asyncio
import logging

from pydantic import ValidationError

from events import Wire, subjects
from events.presence import PresenceQuery
from presence.answers import Answers

log = logging.getLogger(__name__)


class Queries:
    """Serves the request for one app, from the moment that the answer is known; its replicas share it."""

    def __init__(self, answers: Answers, wire: Wire, app: str, known: asyncio.Event) -> None:
        self._answers, self._wire, self._app = answers, wire, app
        self._known = known
        self.answered = 0

    async def run(self) -> None:
        await self._known.wait()
        stop = await self._wire.serve(subjects.PRESENCE_QUERY, f"presence-{self._app}", self.answer)
        try:
            await asyncio.Event().wait()
        finally:
            await stop()

    async def answer(self, request: bytes) -> bytes | None:
        """Nothing for another app, whose people are elsewhere; empty if it is not known now."""
        try:
            asked = PresenceQuery.decode(request)
        except ValidationError as error:
            log.warning("not a question about presence: %s", error.error_count())
            return b""
        if asked.app != self._app:
            return None
        if not self._answers.known:
            return b""
        self.answered += 1
        if asked.users is not None:
            return (await self._answers.asked(asked.room, asked.users)).encode()
        return self._answers.page(asked.room, asked.after, asked.limit).encode()
