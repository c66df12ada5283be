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
    await connection.execute(
        _APPEND,
        [stored.key for stored, _ in pairs],
        [stored.partition for stored, _ in pairs],
        [stored.record.trace for stored, _ in pairs],
        [stored.record.data.decode() for stored, _ in pairs],
        [stored.key not in mixed for stored, _ in pairs],
    )
    for stored, event in pairs:
        if stored.key in mixed:
            await apply(connection, stored.key, event)


# Postgres reads the columns out of the encoded event: encoding a dozen arrays costs this process more.
_APPEND = """
    with logged as (
        select row.*, event.*
        from unnest($1::bigint[], $2::smallint[], $3::text[], $4::json[], $5::boolean[])
            as row (room, partition, trace, data, plain)
        cross join lateral json_to_record(row.data) as event (
            "offset" bigint, id uuid, type text, actor text, at timestamptz, comment uuid, body text,
            "authorName" text, "authorAvatar" text, "imageMeta" jsonb, "videoMeta" jsonb, "clientId" text
        )
    ),
    events as (
        insert into comments.events (room, "offset", id, type, actor, at, data, trace)
        select room, "offset", id, type, actor, at, data, trace from logged
    ),
    outbox as (
        insert into comments.outbox (partition, room, "offset") select partition, room, "offset" from logged
    ),
    comments as (
        insert into comments.comments (
            room, "offset", id, author, author_name, author_avatar,
            body, image_meta, video_meta, client_id, created_at
        )
        select
            room, "offset", comment, actor, "authorName", "authorAvatar",
            body, "imageMeta", "videoMeta", "clientId", at
        from logged where plain
    ),
    members as (
        insert into comments.members (room, "user", name, avatar, joined_at)
        select room, actor, "authorName", "authorAvatar", at from logged where plain
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
