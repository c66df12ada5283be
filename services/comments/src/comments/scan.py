"""Reading the log and its projections from one end to the other, in windows of bounded size."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from comments.differences import Difference, keyless
from comments.folds import change
from comments.views import Comment
from events import CommentDeleted, CommentEdited, Event, Meta, decode

WINDOW = 2_000
"""Rows read at once."""

ROOMS = 500
"""Rooms looked at together, as long as they have no more events than fit into a window."""

SETTINGS = {"lock_timeout": "30s"}
"""The service holds its locks for milliseconds."""

Place = tuple[int, int]
"""Room key and offset: the order in which everything is read."""

BEFORE, BEYOND = -(2**63), 2**63 - 1
"""Offsets that no row has; of Postgres' bigint."""


@dataclass(frozen=True, slots=True)
class RoomRow:
    key: int
    app: str
    id: str
    epoch: str
    head: int
    attributes: Meta | None


@dataclass(frozen=True, slots=True)
class Window:
    """Events after `low`, up to and with `high`."""

    events: Sequence[asyncpg.Record]
    low: Place
    high: Place


async def connect(url: str, name: str) -> asyncpg.Connection:
    """A connection as the owner of the schema, who may change what the service may not."""
    connection = await asyncpg.connect(
        url, timeout=10, server_settings={**SETTINGS, "application_name": name}
    )
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    return connection


async def apps(connection: asyncpg.Connection) -> list[str]:
    """All that have a room."""
    return [
        row["app"] for row in await connection.fetch("select distinct app from comments.rooms order by app")
    ]


async def size(connection: asyncpg.Connection) -> int:
    """How many events the log has."""
    return int(await connection.fetchval("select coalesce(sum(head), 0)::bigint from comments.rooms"))


async def rooms(
    connection: asyncpg.Connection, app: str | None = None, room: str | None = None
) -> AsyncIterator[list[RoomRow]]:
    """All rooms (of an app, of one name) by their keys: many small ones at a time, or one large one."""
    after = 0
    while rows := await connection.fetch(_ROOMS, after, app, room, ROOMS):
        group: list[RoomRow] = []
        size = 0
        for row in map(_room, rows):
            if group and size + row.head > WINDOW:
                yield group
                group, size = [], 0
            group.append(row)
            size += row.head
        yield group
        after = rows[-1]["key"]


def _room(row: asyncpg.Record) -> RoomRow:
    return RoomRow(**row)


async def windows(
    connection: asyncpg.Connection, keys: Sequence[int], low: Place | None = None
) -> AsyncIterator[Window]:
    """The events of the rooms with these keys, in their order, after `low`.

    The last window is open towards its end, so that what a projection has beyond is seen too.
    """
    low = low or (keys[0], BEFORE)
    end = (keys[-1], BEYOND)
    while low < end:
        rows = await connection.fetch(_EVENTS, *low, *end, WINDOW)
        high = (rows[-1]["room"], rows[-1]["offset"]) if len(rows) == WINDOW else end
        yield Window(_of(keys, rows), low, high)
        low = high


async def change_all(
    connection: asyncpg.Connection, posted: Mapping[int, dict[UUID, Comment]]
) -> Counter[int]:
    """Bring the comments, by room key, to what they are now; how many events of each room did that."""
    counts: Counter[int] = Counter()
    ids = {str(comment) for comments in posted.values() for comment in comments}
    after = (0, 0)
    while rows := await connection.fetch(_CHANGES, list(ids), *after, WINDOW):
        for row in rows:
            event, key = readable(row["data"]), row["room"]
            if isinstance(event, CommentEdited | CommentDeleted) and key in posted:
                counts[key] += change(posted[key], event)
        after = (rows[-1]["room"], rows[-1]["offset"])
    return counts


async def orphans(connection: asyncpg.Connection, key: int) -> list[int]:
    """Offsets of a room's events that change a comment not posted before; at most a window of them."""
    rows = await connection.fetch(_ORPHANS, key, WINDOW)
    return [row["offset"] for row in rows]


async def rightly_keyless(connection: asyncpg.Connection, difference: Difference[Comment]) -> bool:
    """Whether all that differs is the idempotency key, and that belongs to an earlier comment."""
    comment = keyless(difference)
    if comment is None:
        return False
    values = difference.key, comment.author, comment.client_id, comment.offset
    return bool(await connection.fetchval(_KEY_TAKEN, *values))


def readable(data: str) -> Event | None:
    """The event; `None` if this version cannot read it."""
    try:
        return decode(data)
    except ValueError:
        return None


async def comment_rows(
    connection: asyncpg.Connection, keys: Sequence[int], low: Place, high: Place
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """Rows of the projection after `low`, up to and with `high`, by place."""
    while rows := await connection.fetch(_COMMENTS, *low, *high, WINDOW):
        yield _of(keys, rows)
        low = (rows[-1]["room"], rows[-1]["offset"])


async def member_rows(
    connection: asyncpg.Connection, keys: Sequence[int]
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    after: tuple[int, str] = (keys[0], "")
    while rows := await connection.fetch(_MEMBERS, *after, keys[-1], WINDOW):
        yield _of(keys, rows)
        after = (rows[-1]["room"], rows[-1]["user"])


def _of(keys: Sequence[int], rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    """Without rooms that came between: a key may be committed after a higher one."""
    wanted = set(keys)
    return [row for row in rows if row["room"] in wanted]


_ROOMS = """
    select key, app, id, epoch, head, attributes from comments.rooms
    where key > $1 and ($2::text is null or app = $2) and ($3::text is null or id = $3)
    order by key limit $4
"""
# Ranges of (room, offset) and nothing else, so that any version of Postgres reads them off the primary key.
_EVENTS = """
    select room, "offset", id, type, actor, at, data from comments.events
    where (room, "offset") > ($1, $2) and (room, "offset") <= ($3, $4) order by room, "offset" limit $5
"""
# `offset 0` keeps it a look into the index for each comment, also where Postgres has no statistics yet.
_CHANGES = """
    select change.* from unnest($1::text[]) as asked (comment)
    cross join lateral (
        select room, "offset", data from comments.events
        where data ->> 'comment' = asked.comment and type in ('comment.edited', 'comment.deleted') offset 0
    ) as change
    where (room, "offset") > ($2, $3)
    order by room, "offset" limit $4
"""
_COMMENTS = """
    select * from comments.comments
    where (room, "offset") > ($1, $2) and (room, "offset") <= ($3, $4) order by room, "offset" limit $5
"""
_MEMBERS = """
    select * from comments.members
    where (room, "user") > ($1, $2) and room <= $3 order by room, "user" limit $4
"""
_ORPHANS = """
    select "offset" from comments.events as change
    where room = $1 and type in ('comment.edited', 'comment.deleted') and not exists (
        select from comments.events as post
        where post.room = change.room and post.type = 'comment.posted' and post."offset" < change."offset"
        and post.data ->> 'comment' = change.data ->> 'comment'
    )
    order by "offset" limit $2
"""
_KEY_TAKEN = """
    select exists (
        select from comments.comments
        where room = $1 and author = $2 and client_id = $3 and "offset" < $4
    )
"""
