"""A pass over some rooms: what is wrong with their log, and where their projections differ from its fold."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import asyncpg

from comments import scan
from comments.differences import Difference, compare, missing
from comments.findings import shown, stretch
from comments.folds import Fold, deviations
from comments.scan import RoomRow, Window
from comments.views import Comment, Member

Wrong = Callable[[RoomRow, int | None, str], None]
"""Told of something wrong in the log itself: the room, perhaps the offset, and what it is."""


class Survey:
    """Of the rooms of one group. Call `windows`, then `members`; `folds` are then at the end of each room."""

    def __init__(self, connection: asyncpg.Connection, rooms: Sequence[RoomRow], wrong: Wrong) -> None:
        self._connection = connection
        self._wrong = wrong
        self._changes: Counter[int] = Counter()
        self.rooms = {room.key: room for room in rooms}
        self.folds = {room.key: Fold(room.id) for room in rooms}

    async def windows(self) -> AsyncIterator[tuple[int, list[Difference[Comment]]]]:
        """For one window after the other: how many events it has, and the comments that differ."""
        async for window in scan.windows(self._connection, list(self.rooms)):
            self._take(window)
            posted = {key: comments for key, fold in self.folds.items() if (comments := fold.posted())}
            self._changes += await scan.change_all(self._connection, posted)
            yield len(window.events), await self._comments(window, posted)
        for key, room in self.rooms.items():
            await self._ends(room, self.folds[key])

    async def members(self) -> AsyncIterator[tuple[RoomRow, Fold, list[Difference[Member]]]]:
        """The members that differ, room by room, and the fold that says so."""
        small = [key for key, fold in self.folds.items() if fold.turns == 1]
        found = await self._members({key: self.folds[key] for key in small}) if small else []
        for key in small:
            yield self.rooms[key], self.folds[key], [each for each in found if each.key == key]
        for key in self.rooms.keys() - set(small):
            first = self.folds[key]
            for turn in range(first.turns):
                fold = first if turn == 0 else await self._again(self.rooms[key], turn, first.turns)
                yield self.rooms[key], fold, await self._members({key: fold})

    def _take(self, window: Window) -> None:
        for row in window.events:
            room, fold, offset = self.rooms[row["room"]], self.folds[row["room"]], row["offset"]
            if offset != fold.state.head + 1:
                self._wrong(room, None, f"{stretch(fold.state.head + 1, offset - 1)}: no such events")
            event = scan.readable(row["data"])
            if event is None:
                said = [f"is no event that this version can read: {shown(row['data'])}"]
            else:
                problem = fold.take(event)
                said = [*deviations(row, event, room.id), *([problem] if problem else [])]
            for each in said:
                self._wrong(room, offset, each)
            fold.state.head = offset

    async def _ends(self, room: RoomRow, fold: Fold) -> None:
        fold.settle()
        if fold.changes != self._changes[room.key]:
            for offset in await scan.orphans(self._connection, room.key):
                self._wrong(room, offset, "changes a comment that was not posted before in the room")

    async def _comments(
        self, window: Window, posted: dict[int, dict[UUID, Comment]]
    ) -> list[Difference[Comment]]:
        expected = {(key, each.offset): each for key, some in posted.items() for each in some.values()}
        found: list[Difference[Comment]] = []
        async for page in scan.comment_rows(self._connection, list(self.rooms), window.low, window.high):
            found += compare(expected, (((row["room"], row["offset"]), row) for row in page))
        found += missing(expected)
        return [each for each in found if not await scan.rightly_keyless(self._connection, each)]

    async def _members(self, folds: dict[int, Fold]) -> list[Difference[Member]]:
        expected = {
            (key, user): each for key, fold in folds.items() for user, each in fold.state.members.items()
        }
        found: list[Difference[Member]] = []
        async for page in scan.member_rows(self._connection, list(folds)):
            rows = [((row["room"], row["user"]), row) for row in page]
            found += compare(expected, [each for each in rows if folds[each[0][0]].holds(each[0][1])])
        return [*found, *missing(expected)]

    async def _again(self, room: RoomRow, turn: int, turns: int) -> Fold:
        """Another share of a large room's members, as they were when its first pass ended."""
        fold = Fold(room.id, turn=turn, turns=turns)
        async for window in scan.windows(self._connection, [room.key]):
            for row in window.events:
                event = scan.readable(row["data"])
                if event is not None and event.offset <= self.folds[room.key].state.head:
                    fold.take(event)
            fold.posted()
        return fold
