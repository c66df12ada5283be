"""Watermarks of members, written: they only grow, and never beyond the room's head.

What somebody has read is not pushed to them any more, and what their devices show of it is taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier import reached_sql as sql
from notifier.acknowledgements import Mark, Whose
from notifier.database import Connection, Pool
from notifier.model import Reason

ROWS = 2_000
"""In one transaction."""

BACK_SECONDS = 3600.0
"""In which it makes sense to take a notification back."""


Place = tuple[str, str]
"""Room and user."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Of one app. All raise one of `database.ERRORS`, after which it may be done again."""

    pool: Pool
    app: str

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """Epoch and head of the rooms that are known."""
        rows = await self.pool.fetch(sql.HEADS, self.app, list(rooms))
        return {row["room"]: (row["epoch"], row["head"]) for row in rows}

    async def write(self, marks: Mapping[Whose, Mark]) -> list[Place]:
        """Return to whom something was delivered of which a push waits.

        Of no members, and of offsets of another epoch, nothing is written.
        """
        return [place for some in _statements(marks) for place in await self._write(marks, some)]

    async def _write(self, marks: Mapping[Whose, Mark], some: Sequence[Whose]) -> list[Place]:
        rows = [(*whose, *marks[whose]) for whose in some]
        async with self.pool.acquire() as connection, connection.transaction():
            moved = await connection.fetch(sql.MOVE, self.app, *_columns(rows))
            read = [(row["room"], row["user"], row["read"]) for row in moved if row["has_read"]]
            if read:
                await self._take_back(connection, read)
            delivered = [(row["room"], row["user"], row["delivered"]) for row in moved]
            waiting = await connection.fetch(sql.WAITING, self.app, *_columns(delivered)) if moved else []
        return [(row["room"], row["user"]) for row in waiting]

    async def _take_back(self, connection: Connection, read: Sequence[tuple[str, str, int]]) -> None:
        columns = _columns(read)
        await connection.execute(sql.CANCEL, self.app, *columns, Reason.READ)
        await connection.execute(sql.TAKE_BACK, self.app, *columns, Reason.READ_ELSEWHERE, BACK_SECONDS)


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _statements(marks: Mapping[Whose, Mark]) -> Iterator[Sequence[Whose]]:
    """A statement changes a row once, so what is of a known epoch and what is of none are apart."""
    known = [whose for whose in marks if whose.epoch is not None]
    unknown = [whose for whose in marks if whose.epoch is None]
    for part in (known, unknown):
        for start in range(0, len(part), ROWS):
            yield part[start : start + ROWS]
