"""The relay: what is committed reaches the stream, in the order of each room, however the process ends.

A commit of this process is published at once, from memory. The outbox, read again when another process
wakes us, when a partition becomes ours and every few seconds, holds what memory has lost. A partition that we
own is *open* while the stream is known to hold what was confirmed; else it is compared with the log first.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial

from chassis.outages import Outages
from comments import marks, outbox, wakes
from comments.announcements import Announcements
from comments.database import Pool
from comments.figures import Figures
from comments.lanes import Lanes
from comments.log import Stored
from comments.partitions import Partitions
from comments.upkeep import Upkeep
from comments.wakes import Wakes
from events import Rejected, Stream, StreamError, Wire, subjects

IN_FLIGHT = 64
"""Publishes not yet confirmed, of all rooms: more adds latency and no throughput."""

GATHER_SECONDS = 0.02
"""How long confirmed events gather before their outbox rows are deleted in one statement."""

RETRY_SECONDS = 0.25
"""Pause after the stream failed."""

LATE_SECONDS = 1.0
"""In the outbox for longer than a publish takes: perhaps in no lane."""

log = logging.getLogger(__name__)


class Relay:
    """Publishes the partitions that this process owns."""

    def __init__(
        self,
        pool: Pool,
        partitions: Partitions,
        stream: Stream,
        wire: Wire,
        upkeep: Upkeep,
        *,
        sweep: float,
        pipelined: bool = True,
    ) -> None:
        """`sweep` is the time in seconds between looks at the stream, the outbox and at who owns what.

        Unless `pipelined`, an event is published when the one before it in its room is confirmed.
        """
        self._pool = pool
        self._partitions = partitions
        self._stream = stream
        self._wire = wire
        self._wakes = Wakes(wire)
        self._announcements = Announcements(stream)
        self._upkeep = upkeep
        self._sweep = sweep
        self._lanes = Lanes(capacity=10_000, rooms=100_000, pipelined=pipelined)
        self._open: frozenset[int] = frozenset()
        self._in_flight: Counter[int] = Counter()
        self._overtaken: set[int] = set()
        self._rechecks = 0
        self._confirmed: list[tuple[Stored, int]] = []
        self._filling = False
        self._failing = self._refused = False
        self._outages = Outages("the relay", log)
        self._to_publish, self._to_read, self._to_delete, self._to_look = (asyncio.Event() for _ in range(4))
        self.figures = Figures()
        self.found: Callable[[Sequence[Stored]], None] = lambda _: None
        """Called with what was read from the outbox."""

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that this process publishes."""
        return self._partitions.owned

    def committed(self, events: Sequence[Stored]) -> None:
        """Called by the writer after the commit: publish, or wake the process that owns the partition."""
        for stored in events:
            if stored.partition in self._open:
                self._lanes.committed(stored)
            elif stored.partition not in self._partitions.owned:
                self._wakes.add(stored)
            if self._filling or (stored.partition in self._partitions.owned - self._open):
                self._announcements.add(stored)
        self._to_publish.set()
        self._to_read.set()

    def recheck(self) -> None:
        """The stream or the log may be another than before: publish nothing until they were looked at."""
        self._rechecks += 1
        self._close(self._open)
        self._to_look.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        self._wire.reconnected(self.recheck)
        stop = await self._wire.listen(subjects.wakes(), self._woken)
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._publish, self._read, self._delete, self._look):
                    tasks.create_task(work())
                tasks.create_task(self._wakes.run())
                tasks.create_task(self._announcements.run())
        finally:
            await stop()

    # Publishing

    async def _publish(self) -> None:
        while True:
            await self._to_publish.wait()
            if self._failing:
                await asyncio.sleep(RETRY_SECONDS)
                self._failing = False
            stored = self._lanes.take() if self._in_flight.total() < IN_FLIGHT else None
            if stored is None:
                self._to_publish.clear()
                continue
            self._in_flight[stored.partition] += 1
            ack = await self._stream.publish(stored.record)
            ack.add_done_callback(partial(self._settled, stored))

    def _settled(self, stored: Stored, ack: asyncio.Future[int]) -> None:
        self._in_flight[stored.partition] -= 1
        self._to_publish.set()
        if ack.cancelled() or ack.exception() is not None:
            self.figures.failures += 1
            self._failing = self._refused = True
            failure = None if ack.cancelled() else ack.exception()
            self._outages.began("the stream", str(failure))
            in_order = self._lanes.refused(stored, rejected=isinstance(failure, Rejected))
        else:
            self.figures.published += 1
            self._refused = False
            in_order = self._lanes.confirmed(stored)
            self._confirmed.append((stored, ack.result()))
            self._to_delete.set()
        if not in_order:
            self._overtaken.add(stored.partition)
        if stored.partition not in self._open:
            self._to_look.set()
        if self._lanes.hungry:
            self._to_read.set()

    async def _delete(self) -> None:
        while True:
            await self._to_delete.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._to_delete.clear()
            done, self._confirmed = self._confirmed, []
            while not await self._outages.attempt(partial(outbox.delete, self._pool, done)):
                pass

    # Reading what memory does not have

    async def _read(self) -> None:
        while True:
            await self._to_read.wait()
            asked = self._lanes.to_read(outbox.ROOMS)
            if not asked:
                self._to_read.clear()
                continue
            await self._outages.attempt(partial(self._read_rooms, asked))

    async def _read_rooms(self, asked: Sequence[tuple[int, int, int]]) -> None:
        complete, rows = await outbox.read(self._pool, asked)
        self._lanes.was_read(complete, rows)
        self.found(rows)
        self._to_publish.set()

    def _woken(self, subject: str, payload: bytes) -> None:
        partition, keys = wakes.decode(subject, payload)
        if partition in self._open:
            for key in keys:
                self._lanes.read_again(key, partition, at_once=True)
            self._to_read.set()

    # Looking at who owns what, and at what crashes left

    async def _look(self) -> None:
        while True:
            await self._outages.attempt(self._settle)
            later = asyncio.get_running_loop().call_later(self._sweep, self._to_look.set)
            await self._to_look.wait()
            later.cancel()
            self._to_look.clear()

    async def _settle(self) -> None:
        try:
            lost = await self._partitions.settle()
        finally:
            self._close(self._open - self._partitions.owned)
        self._close(lost)
        try:
            opened = await self._compare()
        except StreamError as error:
            self._outages.began("the stream", str(error))
            opened = frozenset()
        else:
            if not self._refused:
                self._outages.ended("the stream")
        await self._find(opened)

    async def _compare(self) -> frozenset[int]:
        """Open the partitions of which the stream has all it had; of the others, have it filled."""
        overtaken = sorted(self._overtaken)
        if overtaken:
            await marks.doubt(self._pool, overtaken)
            self._overtaken.difference_update(overtaken)
        owned, rechecks = self._partitions.owned, self._rechecks
        doubtful = await self._upkeep.doubtful(owned, owned - self._open)
        self._close(doubtful)
        if doubtful and not any(self._in_flight[partition] for partition in doubtful):
            async for rows in self._announcements.add_waiting(self._pool, doubtful):
                self.found(rows)
            await self._upkeep.fill(doubtful)
            self._to_look.set()
        if rechecks != self._rechecks:
            return frozenset()
        opened = owned - self._open - doubtful
        self._open |= opened
        return opened

    async def _find(self, opened: Collection[int]) -> None:
        """The outbox may hold what is in no lane: what a crash or a lost wake-up left, what was refilled."""
        self._filling = await outbox.filling(self._pool)
        waiting = await outbox.waiting(self._pool, self._partitions.owned)
        for one in waiting:
            late = one.refill or one.age > LATE_SECONDS or one.partition in opened
            if late and one.partition in self._open:
                self._lanes.read_again(one.key, one.partition)
        self._to_read.set()
        self.figures.outbox_age = max((one.age for one in waiting if not one.refill), default=0.0)
        self.figures.outbox_size = await outbox.count(self._pool, self._partitions.owned)

    def _close(self, partitions: Collection[int]) -> None:
        self._open -= frozenset(partitions)
        self._overtaken |= self._lanes.forget(partitions)
