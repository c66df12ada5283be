"""Keeps the stream equal to the log: notices what it has lost, and puts that into the outbox again.

Room by room: what ends early is continued. What has a hole, is out of order or of another epoch is removed
and filled from its beginning, so that whoever reads the stream later finds the log. Nothing of a partition
may be published while it is compared.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from comments import marks, outbox
from comments.database import Pool
from comments.marks import Mark
from comments.outbox import Range
from comments.postgres import partition_of
from events import Contents, Held, StreamError, storage

YOUNG = storage.MAX_AGE - 3600
"""Seconds: what is older the stream may drop any time, and the clocks of NATS and Postgres may differ."""

ROOMS = 1_000
"""Rooms compared in one go."""

ASKED = 64
"""Questions to the stream at once; it answers some 4,000 a second."""

EVENTS = 5_000
"""Put into the outbox in one statement: 0.1 s."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A room, and where its log stands."""

    partition: int
    key: int
    app: str
    room: str
    epoch: str
    head: int


def whole(epoch: str, held: Held) -> bool:
    """From its first event to its last, the stream holds the room as the log has it, in order."""
    first, last = held.first, held.last
    if first is None or last is None or not first.epoch == last.epoch == epoch:
        return False
    return held.messages == last.offset - first.offset + 1


class Upkeep:
    """For the partitions of one relay."""

    def __init__(self, pool: Pool, contents: Contents) -> None:
        self._pool = pool
        self._contents = contents
        self.refilled = 0
        """Events that were put into the outbox again."""

    async def doubtful(self, owned: Collection[int], unsure: Collection[int]) -> frozenset[int]:
        """Of the owned partitions, those that have to be compared; raise `StreamError` if it cannot be told.

        The unsure ones are looked at closely: of the others the newest event speaks for all.
        """
        bounds = await self._contents.bounds()
        if bounds is None:
            return frozenset(owned)
        read = await marks.read(self._pool, owned, YOUNG)
        fitting = [mark for mark in read if mark.fits(bounds)]
        sure = sorted(
            (mark for mark in fitting if mark.partition not in unsure), key=lambda mark: mark.seq or 0
        )
        if sure and await self._lost(sure[-1:]):
            unsure = owned
        gone = await self._lost([mark for mark in fitting if mark.partition in unsure])
        kept = {mark.partition for mark in fitting} - gone
        await marks.renew(self._pool, kept, bounds)
        return frozenset(owned) - kept

    async def fill(self, partitions: Collection[int]) -> int:
        """Compare the partitions; return how many events were put into the outbox again.

        Ask `doubtful` again afterwards: while it was compared the stream may have become another, and after
        something was removed from it, it is compared once more.
        """
        refill = await marks.begin(self._pool, partitions)
        await self._contents.ensure_stream()
        bounds = await self._contents.bounds()
        if bounds is None:
            raise StreamError("the stream was deleted as soon as it was made")
        filled, removed = 0, False
        async for places in self._places(partitions):
            held = await self._held(places) if bounds.messages else [None] * len(places)
            useless = await self._useless(places, held)
            removed = removed or bool(useless)
            ranges = [
                _missing(one, None if one.key in useless else on)
                for one, on in zip(places, held, strict=True)
            ]
            for chunk in chunks(ranges):
                filled += await outbox.insert(self._pool, chunk, refill, YOUNG)
        if not removed:
            await marks.end(self._pool, partitions, refill, bounds)
        if filled:
            log.warning("the stream had lost events: %d are published again", filled)
        self.refilled += filled
        return filled

    async def _lost(self, expected: Sequence[Mark]) -> set[int]:
        """The partitions whose newest confirmed event is not where it was."""
        points = [mark for mark in expected if mark.seq is not None]
        found = await asyncio.gather(*(self._contents.message_id(mark.seq or 0) for mark in points))
        return {
            mark.partition for mark, message in zip(points, found, strict=True) if message != mark.message
        }

    async def _places(self, partitions: Collection[int]) -> AsyncIterator[list[Place]]:
        """All rooms of the partitions that have something the stream should hold."""
        key = 0
        while rows := await self._pool.fetch(_ROOMS, key, YOUNG, ROOMS):
            key = rows[-1]["key"]
            places = [Place(partition_of(row["app"], row["room"]), **row) for row in rows]
            yield [place for place in places if place.partition in partitions]

    async def _held(self, places: Sequence[Place]) -> list[Held | None]:
        held: list[Held | None] = []
        for start in range(0, len(places), ASKED):
            some = places[start : start + ASKED]
            held += await asyncio.gather(*(self._contents.held(one.app, one.room) for one in some))
        return held

    async def _useless(self, places: Sequence[Place], held: Sequence[Held | None]) -> set[int]:
        """Keys of the rooms of which the stream holds something that cannot be continued: it is removed."""
        pairs = [(place, on) for place, on in zip(places, held, strict=True) if on is not None]
        useless = {place.key for place, on in pairs if not whole(place.epoch, on) or _ahead(place, on)}
        firsts = [(place.key, on.first.offset) for place, on in pairs if on.first is not None]
        useless.update(await self._beheaded(firsts))
        for place, _ in pairs:
            if place.key in useless:
                await self._contents.remove(place.app, place.room)
        return useless

    async def _beheaded(self, firsts: Sequence[tuple[int, int]]) -> Iterable[int]:
        """Keys of the rooms that have events before that offset which the stream should hold too."""
        rows = await self._pool.fetch(
            _BEFORE, [key for key, _ in firsts], [offset for _, offset in firsts], YOUNG
        )
        return (row["room"] for row in rows)


def _ahead(place: Place, held: Held) -> bool:
    """The stream has what the log has not: only an older log that was put back can be the reason."""
    ahead = held.last is not None and held.last.epoch == place.epoch and held.last.offset > place.head
    if ahead:
        log.error("the log is older than its stream: run `parley log restored`", extra={"room": place.room})
    return ahead


def _missing(place: Place, held: Held | None) -> Range:
    above = held.last.offset if held and held.last else 0
    return place.partition, place.key, above, place.head


def chunks(ranges: Iterable[Range], most: int = EVENTS) -> Iterator[list[Range]]:
    """The ranges in their order, cut and joined to at most so many events each."""
    chunk: list[Range] = []
    room = most
    for partition, key, above, last in ranges:
        while above < last:
            end = min(last, above + room)
            chunk.append((partition, key, above, end))
            room -= end - above
            above = end
            if not room:
                yield chunk
                chunk, room = [], most
    if chunk:
        yield chunk


_ROOMS = """
    select room.key, room.app, room.id as room, room.epoch, room.head from comments.rooms as room
    join comments.events as event on event.room = room.key and event."offset" = room.head
    where room.key > $1 and event.at > now() - make_interval(secs => $2) order by room.key limit $3
"""
_BEFORE = """
    select first.room from unnest($1::bigint[], $2::bigint[]) as first (room, "offset")
    join comments.events as event on event.room = first.room and event."offset" = first."offset" - 1
    where event.at > now() - make_interval(secs => $3)
"""
