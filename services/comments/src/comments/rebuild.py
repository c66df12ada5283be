"""Makes the projections what the log folds to, while the system runs.

Everything is folded and compared without a lock. What differs is looked at again under the lock of its room's
head, a batch at a time, and only then written: a writer waits for one batch at most.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import asyncpg

from comments import amending, derived, mending, scan
from comments.differences import Difference
from comments.folds import Fold
from comments.scan import RoomRow
from comments.survey import Survey
from comments.views import Comment, Member

BATCH = 500
"""Rows written under one lock, which takes about 50 ms."""

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(slots=True)
class Rebuilt:
    """What was looked at, and how many rows were changed."""

    rooms: int = 0
    events: int = 0
    comments: int = 0
    members: int = 0
    derived: int = 0
    """Numbers of comments, tallies of deleted ones, mentions in their index, receipts of members."""
    heads: int = 0
    """Rooms whose attributes or head were changed."""
    problems: int = 0
    """What is wrong in the log itself: no projection can mend that."""

    @property
    def changed(self) -> int:
        return self.comments + self.members + self.derived + self.heads


async def rebuild(url: str, progress: Progress, app: str | None = None, room: str | None = None) -> Rebuilt:
    """Every room of the database, or one of an app. Raise asyncpg's errors or `OSError`."""
    connection = await scan.connect(url, "parley projections rebuild")
    try:
        rebuilding = Rebuilding(connection, progress)
        async for group in scan.rooms(connection, app, room):
            await rebuilding.group(group)
        return rebuilding.done
    finally:
        await connection.close()


class Rebuilding:
    def __init__(self, connection: asyncpg.Connection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._total = 0
        self.done = Rebuilt()

    async def group(self, rooms: Sequence[RoomRow]) -> None:
        survey = Survey(self._connection, rooms, self._wrong)
        self._total += sum(room.head for room in rooms)
        async for events, differences in survey.windows():
            for room in rooms:
                of_room = [each for each in differences if each.key == room.key]
                for batch in batches(of_room):
                    self.done.comments += await self._comments(room, batch)
            self.done.events += events
            self._progress("folding the log", self.done.events, self._total)
        async for room, fold, members in survey.members():
            for some in batches(members):
                self.done.members += await self._members(room, fold, some)
        for room in rooms:
            await self._head(room, survey.folds[room.key])
        await self._derived([room.key for room in rooms])
        self.done.rooms += len(rooms)

    async def _comments(self, room: RoomRow, differences: Sequence[Difference[Comment]]) -> int:
        async with self._locked(room.key):
            return await mending.comments(self._connection, room, [int(each.place) for each in differences])

    async def _members(self, room: RoomRow, fold: Fold, differences: Sequence[Difference[Member]]) -> int:
        await self._catch_up(room.key, fold)
        async with self._locked(room.key):
            await self._catch_up(room.key, fold)
            return await mending.members(
                self._connection, room.key, fold.state.members, [str(each.place) for each in differences]
            )

    async def _derived(self, keys: Sequence[int]) -> None:
        for some in await derived.misnumbered(self._connection, keys):
            after: int | None = some.first - 1
            while after is not None:
                async with self._locked(some.key):
                    after, changed = await amending.renumber(self._connection, some.key, after, BATCH)
                self.done.derived += changed
        for kind in derived.KINDS:
            async for found in derived.wrong(self._connection, kind, keys):
                async with self._locked(found[0].room):
                    self.done.derived += await amending.rows(self._connection, found)

    async def _head(self, room: RoomRow, fold: Fold) -> None:
        """A head that is ahead of its log stays: offsets that clients have seen are not given again."""
        if room.attributes == fold.state.attributes and room.head >= fold.state.head:
            return
        await self._catch_up(room.key, fold)
        async with self._locked(room.key) as row:
            await self._catch_up(room.key, fold)
            head, attributes = max(row["head"], fold.state.head), fold.state.attributes
            if (row["head"], row["attributes"]) != (head, attributes):
                await self._connection.execute(_SET_HEAD, room.key, head, attributes)
                self.done.heads += 1

    async def _catch_up(self, key: int, fold: Fold) -> None:
        """Fold what was logged since."""
        async for window in scan.windows(self._connection, [key], (key, fold.state.head)):
            for row in window.events:
                if (event := scan.readable(row["data"])) is not None:
                    fold.take(event)
            fold.posted()

    @asynccontextmanager
    async def _locked(self, key: int) -> AsyncIterator[asyncpg.Record]:
        """The room's row, in a transaction in which nobody writes to the room."""
        async with self._connection.transaction():
            row = await self._connection.fetchrow(_LOCK, key)
            assert row is not None
            yield row

    def _wrong(self, room: RoomRow, offset: int | None, said: str) -> None:
        self.done.problems += 1


def batches(things: Sequence[T]) -> list[Sequence[T]]:
    return [things[at : at + BATCH] for at in range(0, len(things), BATCH)]


_LOCK = "select head, attributes from comments.rooms where key = $1 for no key update"
_SET_HEAD = "update comments.rooms set head = $2, attributes = $3 where key = $1"
