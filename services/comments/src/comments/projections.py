"""Append decided events to the log, with their projections and outbox rows.

A batch of posts, the common case, is one statement. What else happens in a room is applied event by
event behind it, in order.
"""

from collections.abc import Sequence

from comments.database import Connection
from comments.log import Outcome, Stored
from events import (
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    RoomCreated,
    RoomUpdated,
)

Pair = tuple[Stored, Event]


async def append(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Inside a transaction that holds the locks of the rooms' heads."""
    pairs = [(one.stored, one.event) for one in outcomes if one.stored is not None and one.event is not None]
    if not pairs:
        return
    mixed = {stored.key for stored, event in pairs if not isinstance(event, CommentPosted)}
    posted = [
        (stored, event)
        for stored, event in pairs
        if stored.key not in mixed and isinstance(event, CommentPosted)
    ]
    await connection.execute(_APPEND, *_log_columns(pairs), *_posted_columns(posted))
    for stored, event in pairs:
        if stored.key in mixed:
            await apply(connection, stored.key, event)


def _log_columns(pairs: Sequence[Pair]) -> tuple[list[object], ...]:
    records = [stored.record for stored, _ in pairs]
    return (
        [stored.key for stored, _ in pairs],
        [record.offset for record in records],
        [record.id for record in records],
        [record.type for record in records],
        [event.actor for _, event in pairs],
        [event.at for _, event in pairs],
        [record.data.decode() for record in records],
        [record.trace for record in records],
        [stored.partition for stored, _ in pairs],
    )


def _posted_columns(posted: Sequence[tuple[Stored, CommentPosted]]) -> tuple[list[object], ...]:
    events = [event for _, event in posted]
    return (
        [stored.key for stored, _ in posted],
        [event.offset for event in events],
        [event.comment for event in events],
        [event.actor for event in events],
        [event.author_name for event in events],
        [event.author_avatar for event in events],
        [event.body for event in events],
        [event.image_meta for event in events],
        [event.video_meta for event in events],
        [event.client_id for event in events],
        [event.at for event in events],
    )


_APPEND = """
    with logged as (
        select * from unnest(
            $1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[],
            $6::timestamptz[], $7::text[], $8::text[], $9::smallint[]
        ) as row (room, "offset", id, type, actor, at, data, trace, partition)
    ),
    posted as (
        select * from unnest(
            $10::bigint[], $11::bigint[], $12::uuid[], $13::text[], $14::text[], $15::text[],
            $16::text[], $17::jsonb[], $18::jsonb[], $19::text[], $20::timestamptz[]
        ) as row (
            room, "offset", id, author, author_name, author_avatar,
            body, image_meta, video_meta, client_id, created_at
        )
    ),
    events as (
        insert into comments.events (room, "offset", id, type, actor, at, data, trace)
        select room, "offset", id, type, actor, at, data::json, trace from logged
    ),
    outbox as (
        insert into comments.outbox (partition, room, "offset") select partition, room, "offset" from logged
    ),
    comments as (
        insert into comments.comments (
            room, "offset", id, author, author_name, author_avatar,
            body, image_meta, video_meta, client_id, created_at
        ) select * from posted
    ),
    members as (
        insert into comments.members (room, "user", name, avatar, joined_at)
        select room, author, author_name, author_avatar, created_at from posted
        on conflict do nothing
    )
    update comments.rooms set head = newest.head
    from (select room, max("offset") as head from logged group by room) as newest
    where key = newest.room
"""


async def apply(connection: Connection, key: int, event: Event) -> None:
    """Change the projections as the event says; `key` is the room's."""
    match event:
        case CommentPosted():
            await connection.execute(_POST, key, *_posted_values(event))
        case CommentEdited():
            await connection.execute(
                _EDIT, event.comment, event.body, event.image_meta, event.video_meta, event.at
            )
        case CommentDeleted():
            await connection.execute(_DELETE, event.comment, event.at)
        case RoomCreated() | RoomUpdated():
            await connection.execute(_ATTRIBUTES, key, event.attributes)
        case MemberJoined():
            await connection.execute(_JOIN, key, event.user, event.name, event.avatar, event.at)
        case MemberLeft():
            await connection.execute(_LEAVE, key, event.user)


def _posted_values(event: CommentPosted) -> tuple[object, ...]:
    return (
        event.offset,
        event.comment,
        event.actor,
        event.author_name,
        event.author_avatar,
        event.body,
        event.image_meta,
        event.video_meta,
        event.client_id,
        event.at,
    )


_POST = """
    with posted as (
        insert into comments.comments (
            room, "offset", id, author, author_name, author_avatar,
            body, image_meta, video_meta, client_id, created_at
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        returning *
    )
    insert into comments.members (room, "user", name, avatar, joined_at)
    select room, author, author_name, author_avatar, created_at from posted
    on conflict do nothing
"""
_EDIT = (
    "update comments.comments set body = $2, image_meta = $3, video_meta = $4, updated_at = $5 where id = $1"
)
_DELETE = """
    update comments.comments set body = '', image_meta = null, video_meta = null, deleted_at = $2
    where id = $1
"""
_ATTRIBUTES = "update comments.rooms set attributes = $2 where key = $1"
_JOIN = """
    insert into comments.members (room, "user", name, avatar, joined_at) values ($1, $2, $3, $4, $5)
    on conflict do nothing
"""
_LEAVE = 'delete from comments.members where room = $1 and "user" = $2'
