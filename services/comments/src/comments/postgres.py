"""The log in Postgres: one transaction for everything that waits, of all rooms.

Lock the rooms' heads in the order of their ids, read what the commands need, decide, and append events,
projections and outbox. The rooms' row locks make offsets gap-free.
"""

import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.problems import Problem
from comments import projections, slices
from comments.commands import Command
from comments.database import ERRORS, Connection, Pool, unavailable
from comments.errors import Unavailable
from comments.ids import uuid7
from comments.log import Outcome, Stored
from comments.mentions import MOST
from comments.model import RoomState, answer, decide, evolve
from events import Event, Record, encode, rfc3339

PARTITIONS = 32
"""How many shares the outbox is divided into; each has one relay at a time."""

KNOWN_ROOMS = 100_000
"""Rooms that a process remembers to exist; beyond it forgets and asks again."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Head:
    """A locked room: its row, and the part of its state that the commands need."""

    app: str
    key: int
    epoch: str
    state: RoomState

    def carry_out(self, command: Command, at: datetime) -> Outcome:
        """Raise the `Problem` for which the command is refused, or `ValueError` if it cannot be encoded."""
        event = decide(self.state, command, at, uuid7)
        if event is None:
            return Outcome(comment=answer(self.state, command))
        stored = Stored(self.key, partition_of(self.app, event.room), self.record(event, command.trace))
        self.state = evolve(self.state, event)
        return Outcome(event, stored, answer(self.state, command))

    def record(self, event: Event, trace: str | None) -> Record:
        return Record(
            app=self.app,
            room=event.room,
            epoch=self.epoch,
            offset=event.offset,
            id=event.id,
            type=event.type,
            at=rfc3339(event.at),
            data=encode(event),
            trace=trace,
        )


class PostgresLog:
    """`Log` for the rooms of one app."""

    def __init__(self, pool: Pool, app: str, *, most_mentions: int = MOST) -> None:
        """`most_mentions` a comment."""
        self._pool = pool
        self._app = app
        self._most_mentions = most_mentions
        self._known: set[str] = set()

    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        try:
            return await self._append(commands)
        except ERRORS as error:
            if (reason := unavailable(error)) is not None:
                raise reason from error
            if len(commands) == 1:
                log.exception("a command that Postgres refuses")
                return [error]
        return [await self._alone(command) for command in commands]

    def forget(self) -> None:
        """Which rooms exist: an older log may have been put back."""
        self._known.clear()

    async def _alone(self, command: Command) -> Outcome | Exception:
        """Those before it are committed already, so what ends this one says nothing about them."""
        try:
            [outcome] = await self.append([command])
        except Unavailable as reason:
            return reason
        return outcome

    async def _append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        names = sorted({command.room for command in commands})
        async with self._pool.acquire() as connection:
            await self._make_rooms(connection, names)
            async with connection.transaction():
                heads = await self._lock(connection, names)
                await slices.read(
                    connection, {name: (heads[name].key, heads[name].state) for name in names}, commands
                )
                outcomes = carry_out(heads, commands)
                await projections.append(connection, [one for one in outcomes if isinstance(one, Outcome)])
                return outcomes

    async def _make_rooms(self, connection: Connection, names: Sequence[str]) -> None:
        """Before the transaction, so that locks are taken in one order only, by `_lock`."""
        new = [name for name in names if name not in self._known]
        if new:
            await connection.execute(_MAKE_ROOMS, self._app, new)
            if len(self._known) > KNOWN_ROOMS:
                self._known.clear()
            self._known.update(new)

    async def _lock(self, connection: Connection, names: Sequence[str]) -> dict[str, Head]:
        heads = {}
        for row in await connection.fetch(_LOCK, self._app, names):
            state = RoomState(row["id"], row["head"], row["attributes"], most_mentions=self._most_mentions)
            heads[row["id"]] = Head(self._app, row["key"], row["epoch"], state)
        if len(heads) < len(names):
            self._known.clear()
            raise Unavailable("a room's row is gone; try again", headers={"Retry-After": "1"})
        return heads


_MAKE_ROOMS = """
    insert into comments.rooms (app, id, epoch)
    select $1, id, (select epoch from comments.log) from unnest($2::text[]) as id order by id
    on conflict do nothing
"""

_LOCK = """
    select key, id, epoch, head, attributes from comments.rooms
    where app = $1 and id = any($2) order by id for no key update
"""


def partition_of(app: str, room: str) -> int:
    return zlib.crc32(f"{app}/{room}".encode()) % PARTITIONS


def carry_out(heads: Mapping[str, Head], commands: Sequence[Command]) -> list[Outcome | Exception]:
    """What becomes of each command, in memory only."""
    at = datetime.now(UTC)
    outcomes: list[Outcome | Exception] = []
    for command in commands:
        try:
            outcomes.append(heads[command.room].carry_out(command, at))
        except (Problem, ValueError) as refusal:
            outcomes.append(refusal)
    return outcomes
