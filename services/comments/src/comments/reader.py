"""Questions to the log and its projections."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from comments.database import Pool, fetch
from comments.errors import UnknownMember
from comments.views import Comment, Member, Room, Version
from events import CommentDeleted, CommentEdited, CommentPosted, decode
from events.replay import Page

PAGE_BYTES = 512 * 1024
"""Events of one replay answer: half of what NATS takes in a message by default."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room's log stands."""

    key: int | None
    """`None` before the first event."""
    epoch: str
    head: int


class Reader:
    """Reads what belongs to one app. Every method raises `Unavailable` when Postgres is away."""

    def __init__(self, pool: Pool, app: str) -> None:
        self._pool = pool
        self._app = app

    async def ping(self) -> None:
        await self._fetch("select 1")

    async def place(self, room: str) -> Place:
        [row] = await self._fetch(_PLACE, self._app, room)
        return Place(row["key"], row["epoch"], row["head"])

    async def room(self, room: str) -> Room:
        [row] = await self._fetch(_PLACE, self._app, room)
        return Room(id=room, epoch=row["epoch"], head=row["head"], attributes=row["attributes"] or {})

    async def rooms_of(self, user: str, after: str, limit: int) -> list[Room]:
        """Rooms that the user is a member of, by id, following `after`."""
        rows = await self._fetch(_ROOMS_OF, self._app, user, after, limit)
        return [Room(**{**row, "attributes": row["attributes"] or {}}) for row in rows]

    async def newest(self, room: str, place: Place, before: int | None, limit: int) -> list[Comment]:
        """The last `limit` comments below the offset `before`, in order."""
        below = place.head + 1 if before is None else before
        rows = await self._fetch(_BEFORE, place.key, below, limit)
        return [_comment(row, room) for row in reversed(rows)]

    async def following(self, room: str, place: Place, after: int, limit: int) -> list[Comment]:
        rows = await self._fetch(_AFTER, place.key, after, limit)
        return [_comment(row, room) for row in rows]

    async def comment(self, comment: UUID) -> Comment | None:
        rows = await self._fetch(_COMMENT, self._app, comment)
        return _comment(rows[0], rows[0]["name"]) if rows else None

    async def versions(self, comment: Comment) -> list[Version]:
        """Every version, oldest first."""
        rows = await self._fetch(_VERSIONS, self._app, comment.room, comment.offset, str(comment.id))
        return [_version(row["data"]) for row in rows]

    async def members(self, place: Place, after: str, limit: int) -> list[Member]:
        return [Member(**row) for row in await self._fetch(_MEMBERS, place.key, after, limit)]

    async def member(self, place: Place, user: str) -> Member:
        """Raise `UnknownMember`."""
        rows = await self._fetch(_MEMBER, place.key, user)
        if not rows:
            raise UnknownMember(f"{user} is not a member")
        return Member(**rows[0])

    async def events(self, room: str, after: int, limit: int) -> Page:
        """A page of the log for `comments.replay`, at most `PAGE_BYTES` long but for its first event."""
        place = await self.place(room)
        asked = (place.key, after, limit, PAGE_BYTES)
        rows = await self._fetch(_EVENTS, *asked) if limit and place.head > after else []
        events = [row["data"].encode() for row in rows]
        head = max(place.head, after + len(events)) if events else place.head
        return Page(place.epoch, head, after + 1, events)

    async def _fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        return await fetch(self._pool, query, *values)


def _comment(row: asyncpg.Record, room: str) -> Comment:
    return Comment(**{**row, "room": room})


def _version(data: str) -> Version:
    event = decode(data)
    assert isinstance(event, CommentPosted | CommentEdited | CommentDeleted)
    content = {} if isinstance(event, CommentDeleted) else _content(event)
    return Version(offset=event.offset, type=event.type, at=event.at, actor=event.actor, **content)


def _content(event: CommentPosted | CommentEdited) -> dict[str, object]:
    return {"body": event.body, "image_meta": event.image_meta, "video_meta": event.video_meta}


_PLACE = """
    select room.key, coalesce(room.epoch, log.epoch) as epoch, coalesce(room.head, 0) as head, room.attributes
    from comments.log left join comments.rooms as room on room.app = $1 and room.id = $2
"""
_ROOMS_OF = """
    select room.id, room.epoch, room.head, room.attributes
    from comments.members as member join comments.rooms as room on room.key = member.room
    where room.app = $1 and member."user" = $2 and room.id > $3 order by room.id limit $4
"""
_BEFORE = """
    select * from comments.comments where room = $1 and "offset" < $2 order by "offset" desc limit $3
"""
_AFTER = 'select * from comments.comments where room = $1 and "offset" > $2 order by "offset" limit $3'
_COMMENT = """
    select comment.*, room.id as name from comments.comments as comment
    join comments.rooms as room on room.key = comment.room
    where room.app = $1 and comment.id = $2
"""
_VERSIONS = """
    select event.data, event."offset" from comments.events as event
    join comments.rooms as room on room.key = event.room
    where room.app = $1 and room.id = $2 and event."offset" = $3
    union all
    select data, "offset" from comments.events
    where data ->> 'comment' = $4 and type in ('comment.edited', 'comment.deleted')
    order by "offset"
"""
_MEMBERS = """
    select "user", name, avatar, joined_at from comments.members
    where room = $1 and "user" > $2 order by "user" limit $3
"""
_MEMBER = 'select "user", name, avatar, joined_at from comments.members where room = $1 and "user" = $2'
_EVENTS = """
    select data from (
        select "offset", data, sum(octet_length(data::text)) over (order by "offset") as size
        from (
            select "offset", data from comments.events
            where room = $1 and "offset" > $2 order by "offset" limit $3
        ) as following
    ) as measured
    where size <= $4 or "offset" = $2 + 1 order by "offset"
"""
