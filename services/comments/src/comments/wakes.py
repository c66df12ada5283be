"""Wake-ups: whoever commits to a partition that another process owns tells that one, over core NATS."""

import asyncio
import logging
from collections import defaultdict

from comments.log import Stored
from events import StreamError, Wire, subjects

log = logging.getLogger(__name__)


class Wakes:
    """Those still to be sent."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._keys: defaultdict[int, set[int]] = defaultdict(set)
        """Of rooms, by partition."""
        self._some = asyncio.Event()

    def add(self, stored: Stored) -> None:
        self._keys[stored.partition].add(stored.key)
        self._some.set()

    async def run(self) -> None:
        """Send them until cancelled; one that is lost only makes the owner find the event later."""
        while True:
            await self._some.wait()
            self._some.clear()
            keys, self._keys = self._keys, defaultdict(set)
            for partition, rooms in keys.items():
                try:
                    await self._wire.send(subjects.wake(partition), encode(rooms))
                except StreamError as error:
                    log.warning(
                        "the owner of partition %d finds its events when it looks: %s", partition, error
                    )


def encode(rooms: set[int]) -> bytes:
    return b",".join(str(key).encode() for key in rooms)


def decode(subject: str, payload: bytes) -> tuple[int, list[int]]:
    """The partition, and the keys of its rooms that were written to."""
    return int(subject.rpartition(".")[2]), [int(key) for key in payload.split(b",")]
