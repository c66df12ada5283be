"""What the notifier knows of rooms, written: their events in order, each once, many rooms in one transaction.

Whoever adds to a room holds the lock of its row; rows are locked in the order of their rooms.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from notifier import rooms_sql as sql
from notifier.database import ERRORS, Connection, Pool, unavailable
from notifier.matters import LOOK_BEFORE
from notifier.model import Reason
from notifier.projection import Changes, Logged, Mentioned, Stretch, When, fold

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a room is known."""

    epoch: str
    head: int


class Rooms:
    """Of one app. All raise one of `database.ERRORS` if Postgres is away; then it may be done again."""

    def __init__(
        self, pool: Pool, app: str, *, delay: float, ttl: float, now: Callable[[], datetime]
    ) -> None:
        """It is decided `delay` seconds after a comment who gets a push, unless it is `ttl` seconds old."""
        self._pool, self._app, self._now = pool, app, now
        self._delay, self._ttl = timedelta(seconds=delay), timedelta(seconds=ttl)

    async def place(self, room: str) -> Place | None:
        row = await self._pool.fetchrow(sql.PLACE, self._app, room)
        return None if row is None else Place(**row)

    async def apply(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """Write what follows each room's head, and return what does not; a room is at most once in it.

        What Postgres does not take, and never will, is passed over.
        """
        try:
            return await self._apply(stretches)
        except ERRORS as error:
            if unavailable(error) is not None or isinstance(error, asyncpg.SyntaxOrAccessError):
                raise
            parts = _halves(stretches)
            if not parts:
                _refuse(stretches[0], type(error).__name__)
                parts = [[_blank(stretches[0])]]
            return [rest for part in parts for rest in await self.apply(part)]

    async def reset(self, room: str, known: str, place: Place) -> None:
        """If the room's epoch is still the `known` one, the log has another: its offsets mean other events.

        Nothing that the room had before is decided any more, or pushed. `place` is where the log is now.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(sql.LOCK_ONE, self._app, room) != known:
                return
            log.warning("the log of the room %.170r has a new epoch: it is read again", room)
            for statement in sql.RESET:
                await connection.execute(statement, self._app, room)
            await connection.execute(sql.VANISHED, self._app, room, place.head)
            await connection.execute(sql.CANCEL_ROOM, self._app, room, Reason.DELETED)
            await connection.execute(sql.BEGIN, self._app, room, place.epoch)

    async def _apply(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        ordered = sorted(stretches, key=lambda stretch: stretch.room)
        names = [stretch.room for stretch in ordered]
        await self._pool.execute(sql.MEET, self._app, names, [stretch.epoch for stretch in ordered])
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(sql.LOCK, self._app, names)
            places = {row["room"]: Place(row["epoch"], row["head"]) for row in rows}
            fitting, rest = _fit(ordered, places)
            if fitting:
                when = When(self._now(), self._delay, self._ttl)
                changes = [fold(room, events, when) for room, events in fitting]
                await _write(connection, self._app, changes)
        return rest


def _fit(
    stretches: Sequence[Stretch], places: dict[str, Place]
) -> tuple[list[tuple[str, Sequence[Logged]]], list[Stretch]]:
    """What follows the rooms' heads, and what does not."""
    fitting, rest = [], []
    for stretch in stretches:
        place = places[stretch.room]
        if place.epoch != stretch.epoch:
            rest.append(stretch)
            continue
        events, beyond = stretch.after(place.head)
        if events:
            fitting.append((stretch.room, events))
        if beyond is not None:
            rest.append(beyond)
    return fitting, rest


async def _write(connection: Connection, app: str, changes: Sequence[Changes]) -> None:
    await _write_comments(connection, app, changes)
    left = [(one.room, user) for one in changes for user in one.left]
    if left:
        await connection.execute(sql.LEAVE, app, *_columns(left))
        await connection.execute(sql.CANCEL_OF, app, *_columns(left), Reason.NOT_A_MEMBER)
    joined = [(one.room, user, since) for one in changes for user, since in one.joined.items()]
    if joined:
        await connection.execute(sql.JOIN, app, *_columns(joined))
    heads = [(one.room, one.head, one.titled, one.title) for one in changes]
    await connection.execute(sql.ADVANCE, app, *_columns(heads))


async def _write_comments(connection: Connection, app: str, changes: Sequence[Changes]) -> None:
    posted = [(one.room, each) for one in changes for each in one.posted.values()]
    if posted:
        rows = [
            (
                room, each.offset, each.id, each.event, each.author, each.author_name, each.author_avatar,
                each.body, _json(each.mentions), each.urgent, each.at, each.trace, each.look_at, each.deleted,
            )
            for room, each in posted
        ]  # fmt: skip
        await connection.execute(sql.MOVED, app, *_columns([row[:3] for row in rows]))
        await connection.execute(sql.POST, app, *_columns(rows))
    edited = [
        (one.room, id_, body, _json(mentions))
        for one in changes
        for id_, (body, mentions) in one.edited.items()
    ]
    if edited:
        await connection.execute(sql.EDIT, app, *_columns(edited))
    deleted = [(one.room, id_) for one in changes for id_ in one.deleted]
    if deleted:
        await connection.execute(sql.DELETE, app, *_columns(deleted))
        cancelled = await connection.fetch(sql.CANCEL_COMMENTS, app, *_columns(deleted), Reason.DELETED)
        await connection.execute(LOOK_BEFORE, app, [row["id"] for row in cancelled])


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _json(mentions: Mentioned) -> str | None:
    """Postgres has no arrays of arrays of different lengths."""
    return json.dumps(mentions) if mentions else None


def _halves(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """The same, in two parts one after the other; none if it is a single event."""
    if len(stretches) > 1:
        middle = len(stretches) // 2
        return [list(stretches[:middle]), list(stretches[middle:])]
    [one] = stretches
    middle = len(one.events) // 2
    parts = (one.events[:middle], one.events[middle:])
    return [[Stretch(one.room, one.epoch, part)] for part in parts] if middle else []


def _blank(stretch: Stretch) -> Stretch:
    [event] = stretch.events
    if event.event is None:
        raise ValueError(f"Postgres takes nothing of the room {stretch.room!r}")
    return Stretch(stretch.room, stretch.epoch, [Logged(event.offset, None)])


def _refuse(stretch: Stretch, reason: str) -> None:
    log.error(
        "an event that cannot be written is passed over: %s",
        reason,
        extra={"room": stretch.room, "offset": stretch.first},
    )
