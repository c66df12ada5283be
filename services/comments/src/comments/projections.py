"""Append decided events to the log, with their projections and outbox rows.

A batch of posts, the common case, is one statement. What else happens in a room is applied event by
event behind it, in order.
"""

from collections.abc import Sequence

from comments.database import Connection
from comments.log import Outcome, Stored
from comments.mentions import column
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
    left = [(stored.key, event.user) for stored, event in pairs if isinstance(event, MemberLeft)]
    if len(left) > 1:
        await connection.execute(_LEAVING, [key for key, _ in left], [user for _, user in left])
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
            "authorName" text, "authorAvatar" text, "imageMeta" jsonb, "videoMeta" jsonb, mentions jsonb,
            "clientId" text
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
            body, image_meta, video_meta, mentions, client_id, created_at,
            number, author_number
        )
        select
            room, "offset", comment, actor, "authorName", "authorAvatar",
            body, "imageMeta", "videoMeta", mentions, "clientId", at,
            place + max(case place when 1 then coalesce((
                select last.number from comments.comments as last
                where last.room = posted.room order by last."offset" desc limit 1
            ), 0) end) over (partition by room),
            author_place + max(case author_place when 1 then coalesce((
                select last.author_number from comments.comments as last
                where last.room = posted.room and last.author = posted.actor
                order by last."offset" desc limit 1
            ), 0) end) over (partition by room, actor)
        from (
            select *, row_number() over (partition by room order by "offset") as place,
                row_number() over (partition by room, actor order by "offset") as author_place
            from logged where plain
        ) as posted
    ),
    mentions as (
        insert into comments.mentions (room, "user", "offset")
        select distinct room, mention ->> 'user', "offset"
        from logged cross join lateral jsonb_array_elements(mentions) as mention
        where plain and mentions <> '[]' and mention ->> 'user' <> actor
    ),
    members as (
        insert into comments.members (room, "user", name, avatar, joined_at)
        select room, actor, "authorName", "authorAvatar", at from logged where plain
        on conflict do nothing
        returning room, "user"
    ),
    receipts as (
        insert into comments.receipts (room, "user", delivered, read, newcomer)
        select room, "user", min("offset"), min("offset"), true
        from members join logged using (room) where actor = "user"
        group by room, "user"
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
            await connection.execute(_EDIT, *_edited_values(event))
        case CommentDeleted():
            await connection.execute(_DELETE, event.comment, event.at)
        case RoomCreated() | RoomUpdated():
            await connection.execute(_ATTRIBUTES, key, event.attributes)
        case MemberJoined():
            await connection.execute(_JOIN, key, event.user, event.name, event.avatar, event.at, event.offset)
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
        column(event.mentions),
        event.client_id,
        event.at,
    )


def _edited_values(event: CommentEdited) -> tuple[object, ...]:
    metas = event.image_meta, event.video_meta
    return event.comment, event.body, *metas, column(event.mentions), event.at


_POST = """
    with posted as (
        insert into comments.comments (
            room, "offset", id, author, author_name, author_avatar,
            body, image_meta, video_meta, mentions, client_id, created_at,
            number, author_number
        )
        select $1::bigint, $2::bigint, $3, $4::text, $5, $6, $7, $8, $9, $10, $11, $12,
            coalesce((
                select number from comments.comments where room = $1 order by "offset" desc limit 1
            ), 0) + 1,
            coalesce((
                select author_number from comments.comments
                where room = $1 and author = $4 order by "offset" desc limit 1
            ), 0) + 1
        returning *
    ),
    member as (
        insert into comments.members (room, "user", name, avatar, joined_at)
        select room, author, author_name, author_avatar, created_at from posted
        on conflict do nothing
        returning room, "user"
    ),
    receipt as (
        insert into comments.receipts (room, "user", delivered, read, newcomer)
        select room, "user", $2, $2, true from member
        on conflict do nothing
    )
    insert into comments.mentions (room, "user", "offset")
    select distinct room, mention ->> 'user', "offset"
    from posted cross join lateral jsonb_array_elements(mentions) as mention
    where mention ->> 'user' <> author
"""
_EDIT = """
    with edited as (
        update comments.comments
        set body = $2, image_meta = $3, video_meta = $4, mentions = $5, updated_at = $6 where id = $1
        returning room, "offset", author
    ),
    named as (
        select distinct room, mention ->> 'user' as "user", "offset"
        from edited cross join lateral jsonb_array_elements($5) as mention
        where mention ->> 'user' <> author
    ),
    gone as (
        delete from comments.mentions as former using edited
        where former.room = edited.room and former."offset" = edited."offset"
        and former."user" not in (select "user" from named)
    )
    insert into comments.mentions (room, "user", "offset") select room, "user", "offset" from named
    on conflict do nothing
"""
_DELETE = """
    with deleted as (
        update comments.comments
        set body = '', image_meta = null, video_meta = null, mentions = '[]', deleted_at = $2
        where id = $1 and deleted_at is null
        returning room, "offset", author
    ),
    gone as (
        delete from comments.mentions as former using deleted
        where former.room = deleted.room and former."offset" = deleted."offset"
    )
    insert into comments.deletions (room, author, level, bucket, count)
    select room, whose.author, level, "offset" >> 6 * level, 1
    from deleted cross join lateral (values (''), (author)) as whose (author)
    cross join generate_series(0, 10) as level where "offset" >> 6 * level > 0
    on conflict (room, author, level, bucket) do update set count = deletions.count + 1
"""
_ATTRIBUTES = "update comments.rooms set attributes = $2 where key = $1"
_JOIN = """
    with member as (
        insert into comments.members (room, "user", name, avatar, joined_at) values ($1, $2, $3, $4, $5)
        on conflict do nothing
        returning room, "user"
    )
    insert into comments.receipts (room, "user", delivered, read, newcomer)
    select room, "user", $6, $6, true from member
    on conflict do nothing
"""
_LEAVE = """
    with receipt as (delete from comments.receipts where room = $1 and "user" = $2)
    delete from comments.members where room = $1 and "user" = $2
"""
# In the order in which watermarks are written, so that neither waits for the other.
_LEAVING = """
    select from comments.receipts
    where (room, "user") in (select * from unnest($1::bigint[], $2::text[]))
    order by room, "user" for update
"""
