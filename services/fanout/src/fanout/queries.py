"""Questions to one service: a bounded number at once, and whether it answers."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from events import NoAnswer, Wire

IN_FLIGHT = 64
"""Questions to a service at once: after a restart all rooms are opened together."""

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class Queries:
    """`timeout` is in seconds."""

    def __init__(self, wire: Wire, subject: str, timeout: float) -> None:
        self._wire = wire
        self._subject = subject
        self._timeout = timeout
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self.answering = True
        """It answered the last question, or none was asked yet."""
        self.asked = 0

    async def ask(self, question: bytes, read: Callable[[bytes], Answer]) -> Answer:
        """What `read` makes of the answer. Raise `NoAnswer`, also if it does not know."""
        try:
            async with self._in_flight:
                self.asked += 1
                data = await self._wire.request(self._subject, question, self._timeout)
            answer = _read(data, read)
        except NoAnswer as reason:
            if self.answering:
                log.warning("%s is not answered: %s", self._subject, reason)
            self.answering = False
            raise
        if not self.answering:
            log.warning("%s is answered again", self._subject)
        self.answering = True
        return answer


def _read(data: bytes, read: Callable[[bytes], Answer]) -> Answer:
    if not data:
        raise NoAnswer("it is not known now")
    try:
        return read(data)
    except ValueError as error:
        raise NoAnswer("the answer cannot be read") from error
