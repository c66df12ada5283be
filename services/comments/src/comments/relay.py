"""The relay: what is committed reaches the stream, in the order of each room, however the process ends.

A commit of this process is published at once, from memory. The outbox, read again when another process
wakes us, when a partition becomes ours and every few seconds, holds what memory has lost.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from comments import outbox
from comments.database import ERRORS, Pool, unavailable
from comments.lanes import Lanes
from comments.log import Stored
from comments.partitions import Partitions
from events import Stream, StreamError, Wire, subjects

IN_FLIGHT = 64
"""Publishes not yet confirmed, of all rooms: more adds latency and no throughput."""

GATHER_SECONDS = 0.02
"""How long confirmed events gather before their outbox rows are deleted in one statement."""

RETRY_SECONDS = 0.25
"""Pause after the stream or Postgres failed."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Figures:
    """What the relay has done and what it has before it; read by metrics."""

    published: int = 0
    failures: int = 0
    outbox_size: int = 0
    outbox_age: float = 0.0
    """Seconds since the oldest unpublished event was committed."""


class Relay:
    """Publishes the partitions that this process owns."""

    def __init__(
        self, pool: Pool, partitions: Partitions, stream: Stream, wire: Wire, *, sweep: float
    ) -> None:
        """`sweep` is the time in seconds between looks at the outbox and at who owns what."""
        self._pool = pool
        self._partitions = partitions
        self._stream = stream
        self._wire = wire
        self._sweep = sweep
        self._lanes = Lanes(capacity=10_000, rooms=100_000)
        self._in_flight = 0
        self._foreign: defaultdict[int, set[int]] = defaultdict(set)
        self._confirmed: list[Stored] = []
        self._failing = False
        self._waiting = False
        self._to_publish, self._to_read, self._to_delete, self._to_wake = (asyncio.Event() for _ in range(4))
        self.figures = Figures()

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that this process publishes."""
        return self._partitions.owned

    def committed(self, events: Sequence[Stored]) -> None:
        """Called by the writer after the commit: publish, or wake the process that owns the partition."""
        for stored in events:
            if stored.partition in self._partitions.owned:
                self._lanes.committed(stored)
            else:
                self._foreign[stored.partition].add(stored.key)
                self._to_wake.set()
        self._to_publish.set()
        self._to_read.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        stop = await self._wire.listen(subjects.wakes(), self._woken)
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._publish, self._read, self._delete, self._wake, self._look):
                    tasks.create_task(work())
        finally:
            await stop()

    # Publishing

    async def _publish(self) -> None:
        while True:
            await self._to_publish.wait()
            if self._failing:
                await asyncio.sleep(RETRY_SECONDS)
                self._failing = False
            stored = self._lanes.take() if self._in_flight < IN_FLIGHT else None
            if stored is None:
                self._to_publish.clear()
                continue
            self._in_flight += 1
            ack = await self._stream.publish(stored.record)
            ack.add_done_callback(partial(self._settled, stored))

    def _settled(self, stored: Stored, ack: asyncio.Future[int]) -> None:
        self._in_flight -= 1
        self._to_publish.set()
        if ack.cancelled() or ack.exception() is not None:
            self.figures.failures += 1
            self._failing = True
            self._lanes.refused(stored)
            return
        self.figures.published += 1
        self._lanes.confirmed(stored)
        self._confirmed.append(stored)
        self._to_delete.set()
        if self._lanes.queued < 1_000:
            self._to_read.set()

    async def _delete(self) -> None:
        while True:
            await self._to_delete.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._to_delete.clear()
            done, self._confirmed = self._confirmed, []
            while not await self._try(partial(outbox.delete, self._pool, done)):
                pass

    # Reading what memory does not have

    async def _read(self) -> None:
        while True:
            await self._to_read.wait()
            asked = self._lanes.to_read(outbox.ROOMS)
            if not asked:
                self._to_read.clear()
                continue
            await self._try(partial(self._read_rooms, asked))

    async def _read_rooms(self, asked: Sequence[tuple[int, int, int]]) -> None:
        complete, rows = await outbox.read(self._pool, asked)
        self._lanes.was_read(complete, rows)
        self._to_publish.set()

    def _woken(self, subject: str, payload: bytes) -> None:
        partition = int(subject.rpartition(".")[2])
        if partition in self._partitions.owned:
            for key in payload.split(b","):
                self._lanes.read_again(int(key), partition)
            self._to_read.set()

    async def _wake(self) -> None:
        while True:
            await self._to_wake.wait()
            self._to_wake.clear()
            foreign, self._foreign = self._foreign, defaultdict(set)
            for partition, keys in foreign.items():
                payload = b",".join(str(key).encode() for key in keys)
                try:
                    await self._wire.send(subjects.wake(partition), payload)
                except StreamError as error:
                    log.warning(
                        "the owner of partition %d finds its events when it looks: %s", partition, error
                    )

    async def _look(self) -> None:
        """Settle who owns what, and find what a crash or a lost wake-up left."""
        while True:
            if not await self._try(self._settle):
                self._lanes.forget(range(outbox.PARTITIONS))
            await asyncio.sleep(self._sweep)

    async def _settle(self) -> None:
        self._lanes.forget(await self._partitions.settle())
        for partition, key in await outbox.rooms(self._pool, self._partitions.owned):
            self._lanes.read_again(key, partition)
        self.figures.outbox_size, self.figures.outbox_age = await outbox.backlog(self._pool)
        self._to_read.set()

    async def _try(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether Postgres let it be done; after a failure that will pass, wait a little."""
        try:
            await work()
        except ERRORS as error:
            if unavailable(error) is None:
                raise
            if not self._waiting:
                log.warning("the relay waits for Postgres: %s", type(error).__name__)
            self._waiting = True
            await asyncio.sleep(RETRY_SECONDS)
            return False
        if self._waiting:
            log.warning("the relay has Postgres again")
        self._waiting = False
        return True
