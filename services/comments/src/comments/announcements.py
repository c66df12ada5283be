"""Events announced to who follows a room before the stream has them: while it is filled, they come last.

An announcement may be lost, or heard twice: followers know the order by the offsets, and ask the log.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence

from chassis.outages import Outages
from comments import outbox
from comments.database import Pool
from comments.log import Stored
from events import Stream, StreamError

WAITING = 10_000
"""Announcements to be made; beyond, the oldest are left to the stream."""

log = logging.getLogger(__name__)


class Announcements:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: deque[Stored] = deque(maxlen=WAITING)
        self._some = asyncio.Event()
        self._outages = Outages("who follows rooms", log)

    def add(self, stored: Stored) -> None:
        self._waiting.append(stored)
        self._some.set()

    async def add_waiting(self, pool: Pool, partitions: Collection[int]) -> AsyncIterator[Sequence[Stored]]:
        """The first of each room in the outbox, said read by read; of more, followers ask the log."""
        rooms = [one for one in await outbox.waiting(pool, partitions) if not one.refill]
        for start in range(0, len(rooms), outbox.ROOMS):
            asked = [(one.partition, one.key, 0) for one in rooms[start : start + outbox.ROOMS]]
            _, rows = await outbox.read(pool, asked)
            for stored in rows:
                self.add(stored)
            yield rows

    async def run(self) -> None:
        """Make them until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                try:
                    await self._stream.announce(self._waiting.popleft().record)
                except StreamError as error:
                    self._waiting.clear()
                    self._outages.began("NATS", str(error))
                else:
                    self._outages.ended("NATS")
