"""Requests to one subject, answered side by side: a slow one holds up no other."""

import asyncio
import logging

from nats.aio.msg import Msg

from events.stream import Answer

log = logging.getLogger(__name__)


class Answering:
    def __init__(self, subject: str, answer: Answer) -> None:
        self._subject = subject
        self._answer = answer
        self._working: set[asyncio.Task[None]] = set()

    async def begin(self, message: Msg) -> None:
        """nats-py's callback."""
        task = asyncio.create_task(self._work(message))
        self._working.add(task)
        task.add_done_callback(self._finished)

    async def finish(self) -> None:
        """Wait for the answers that were begun."""
        if self._working:
            await asyncio.wait(self._working)

    async def _work(self, message: Msg) -> None:
        if (answered := await self._answer(message.data)) is not None:
            await message.respond(answered)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a request could not be answered", exc_info=error, extra={"subject": self._subject})
