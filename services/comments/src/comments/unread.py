"""How much of a room a member has not read, found without reading it.

It is what the numbering of the room's comments says beyond the member's watermark, less the member's own
comments there, less those that were deleted. The latter are tallied, at level n by 64^n offsets, so that the
offsets beyond a watermark are at most 63 tallies of each level. All that takes a few looks into indexes,
however much is unread.
"""

from collections.abc import Mapping, Sequence

from comments.database import Pool, fetch
from events.receipts import RoomUnread

ENTRIES = 3_000
"""In one answer: with the longest room ids, three quarters of what NATS takes in a message by default."""

Unread = Mapping[str, list[RoomUnread]]
"""By user, of all who were asked for."""


class UnreadReader:
    """Reads what belongs to one app. Every method raises `Unavailable` when Postgres is away."""

    def __init__(self, pool: Pool, app: str) -> None:
        self._pool = pool
        self._app = app

    async def page(self, user: str, after: str, limit: int) -> list[RoomUnread]:
        """Of the rooms that the user is a member of, by id, following `after`."""
        rows = await fetch(self._pool, _ROOMS, self._app, [user], after, limit, limit)
        return [RoomUnread(**row) for row in rows]

    async def rooms(self, users: Sequence[str], limit: int) -> Unread | None:
        """Of each user the first `limit` rooms; `None` if together they are more than `ENTRIES`."""
        found: dict[str, list[RoomUnread]] = {user: [] for user in users}
        rows = await fetch(self._pool, _ROOMS, self._app, list(found), "", limit, ENTRIES + 1)
        for row in rows:
            found[row["user"]].append(RoomUnread(**row))
        return None if len(rows) > ENTRIES else found

    async def members(self, room: str, users: Sequence[str]) -> Unread:
        """Of one room; who is no member has none."""
        found: dict[str, list[RoomUnread]] = {user: [] for user in users}
        for row in await fetch(self._pool, _MEMBERS, self._app, room, list(found)):
            found[row["user"]].append(RoomUnread(**row))
        return found


# `offset 0` keeps each a look into an index, also where Postgres has no statistics yet.
_COUNTED = """
    select id as room, asked."user", head, read,
        coalesce(newest, 0) - coalesce(seen, 0) - coalesce(own, 0) + coalesce(own_seen, 0) - gone as unread,
        exists (
            select from comments.mentions as mention
            where mention.room = key and mention."user" = asked."user" and mention."offset" > read
        ) as mentioned
    from asked
    cross join lateral (
        select coalesce((
            select read from comments.receipts as receipt
            where receipt.room = key and receipt."user" = asked."user"
        ), head) as read
    ) as watermark
    cross join lateral (
        select
            (
                select number from comments.comments where room = key order by "offset" desc limit 1
            ) as newest,
            (
                select number from comments.comments
                where room = key and "offset" <= read order by "offset" desc limit 1
            ) as seen,
            (
                select author_number from comments.comments
                where room = key and author = asked."user" order by "offset" desc limit 1
            ) as own,
            (
                select author_number from comments.comments
                where room = key and author = asked."user" and "offset" <= read
                order by "offset" desc limit 1
            ) as own_seen
    ) as numbers
    cross join lateral (
        select coalesce(sum(case author when '' then count else -count end), 0)::bigint as gone
        from generate_series(0, 10) as levels (level)
        cross join lateral (values (''), (asked."user")) as whose (author)
        cross join lateral (
            select count from comments.deletions as tally
            where tally.room = key and tally.author = whose.author and tally.level = levels.level
                and bucket > (read >> 6 * levels.level) and bucket <= (read >> 6 * levels.level | 63)
            offset 0
        ) as tallied
        where head >> 6 * levels.level > 0
    ) as deleted
"""
_ROOMS = f"""
    with asked as (
        select room.*, one."user"
        from unnest($2::text[]) as one ("user")
        cross join lateral (
            select room.key, room.id, room.head
            from comments.members as member join comments.rooms as room on room.key = member.room
            where room.app = $1 and member."user" = one."user" and room.id > $3 order by room.id limit $4
        ) as room
        limit $5
    )
    {_COUNTED} order by "user", id
"""  # noqa: S608  our own text
_MEMBERS = f"""
    with asked as (
        select room.key, room.id, room.head, member."user"
        from comments.rooms as room join comments.members as member on member.room = room.key
        where room.app = $1 and room.id = $2 and member."user" = any($3)
    )
    {_COUNTED}
"""  # noqa: S608  our own text
