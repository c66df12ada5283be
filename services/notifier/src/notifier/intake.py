"""What happens in rooms: taken from the stream and written in bulk.

An event is confirmed to the stream when it was committed; whatever ends the process before that, it comes
again, and changes nothing that is written already.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from chassis.outages import RETRY_SECONDS, Outages
from events import NoAnswer, Record, StreamError, Wire
from events.feed import EventFeed, Received
from notifier.database import Pool
from notifier.holes import Holes
from notifier.projection import Logged, Stretch, read, stretches
from notifier.rooms import Rooms

WAIT_SECONDS = 5.0
"""For a first event; then NATS is asked again."""

AGAIN_SECONDS = 0.5
"""Until what could not be read from the log is tried again."""

PATIENCE_SECONDS = 0.05
"""For another replica to write the events that are missing before those taken here."""

AT_ONCE = 4
"""Rooms that are read from the log side by side."""

log = logging.getLogger(__name__)

Key = tuple[str, str, int]
"""Room, epoch and offset."""


def _utc() -> datetime:
    return datetime.now(UTC)


class Intake:
    """Of one app; its replicas share what comes."""

    def __init__(
        self,
        pool: Pool,
        feed: EventFeed,
        wire: Wire,
        app: str,
        *,
        delay: float,
        ttl: float,
        batch: int,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """`delay` and `ttl` are in seconds, as for `Rooms`; `batch` events are written at once."""
        self._feed, self._app, self._batch, self._now = feed, app, batch, now
        self._rooms = Rooms(pool, app, delay=delay, ttl=ttl, now=now)
        self.holes = Holes(wire, app, self._rooms)
        self._reading = asyncio.Semaphore(AT_ONCE)
        self._left: dict[Key, Received] = {}
        """What waits for the log."""
        self._outages = Outages("the intake of events", log)
        self.taken = 0
        """Events that were confirmed."""
        self.age = 0.0
        """How old, in seconds, the oldest of the last batch was when it was written; 0 if nothing waits."""

    async def run(self) -> None:
        """Take and write until cancelled."""
        while True:
            try:
                await self._take()
            except StreamError as error:
                self._outages.began("the stream", str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._outages.ended("the stream")

    async def _take(self) -> None:
        wait = AGAIN_SECONDS if self._left else WAIT_SECONDS
        received = await self._feed.take(self._app, f"notifier-{self._app}", self._batch, wait)
        batch = self._left | {_key(each.record): each for each in received}
        if not batch:
            self.age = 0.0
            return
        while not await self._outages.attempt(partial(self._write, batch)):
            pass
        self._left = dict(list(batch.items())[-2 * self._batch :])  # if more wait, they come again

    async def _write(self, batch: dict[Key, Received]) -> None:
        """Write and confirm it; what waits for the log stays in the batch."""
        found, foreign = _read(batch.values())
        waiting: list[Stretch] = []
        for some in stretches(found):
            waiting += await self._rooms.apply(some)
        await self._confirm(batch, waiting)
        if waiting:
            await asyncio.sleep(PATIENCE_SECONDS)
            await self._confirm(batch, await self._mend(waiting))
        for each, reason in foreign:
            log.warning("not an event of ours", extra={"subject": each.record.subject, "reason": reason})

    async def _mend(self, waiting: Sequence[Stretch]) -> list[Stretch]:
        """Write them after what the log has before them; return those for which it does not answer."""
        silent: list[Stretch] = []
        rest = [each for stretch in waiting for each in await self._rooms.apply([stretch])]
        while rest:
            filled = await _all(map(self._fill, rest))
            silent += [stretch for stretch, done in zip(rest, filled, strict=True) if done is None]
            fitting = [stretch for stretch, done in zip(rest, filled, strict=True) if done]
            rest = [each for stretch in fitting for each in await self._rooms.apply([stretch])]
        return silent

    async def _fill(self, stretch: Stretch) -> bool | None:
        """As `Holes.fill`; `None` if the log does not answer."""
        async with self._reading:
            try:
                done = await self.holes.fill(stretch)
            except NoAnswer as error:
                self._outages.began("the log", str(error))
                return None
        self._outages.ended("the log")
        return done

    async def _confirm(self, batch: dict[Key, Received], waiting: Sequence[Stretch]) -> None:
        """All but what waits."""
        stays = {(each.room, each.epoch, one.offset) for each in waiting for one in each.events}
        done = {key: each for key, each in batch.items() if key not in stays}
        if not done:
            return
        await self._feed.confirm(list(done.values()))
        self.taken += len(done)
        self.age = _age(done, self._now())
        for key in done:
            del batch[key]


async def _all(work: Iterable[Awaitable[bool | None]]) -> list[bool | None]:
    """The results, once all have ended; of failures the first is raised."""
    results: list[bool | None] = []
    for each in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results


def _key(record: Record) -> Key:
    return record.room, record.epoch, record.offset


def _read(
    received: Collection[Received],
) -> tuple[list[tuple[Record, Logged]], list[tuple[Received, str]]]:
    """What happened, and what cannot be of this system."""
    found, foreign = [], []
    for each in received:
        try:
            found.append((each.record, read(each.record)))
        except ValueError as error:
            foreign.append((each, str(error)))
    return found, foreign


def _age(done: Mapping[Key, Received], now: datetime) -> float:
    """RFC 3339 times of one spelling sort as text."""
    oldest = min(each.record.at for each in done.values())
    try:
        return max(0.0, (now - datetime.fromisoformat(oldest)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
