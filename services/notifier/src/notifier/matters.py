"""What a decision needs to know, read from the tables in bulk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import asyncpg

from notifier.database import Pool, fetch
from notifier.model import Comment, Member

Place = tuple[str, str]
"""Room and user."""


class Taken(NamedTuple):
    """Comments that are to be decided by who took them."""

    comments: Sequence[Comment]
    lease: datetime | None
    """When they are due again; `None` if there are none."""


@dataclass(frozen=True, slots=True)
class Matters:
    """Of one app. All raise `Unavailable`."""

    pool: Pool
    app: str
    lease: datetime | None = None
    """Under which comments are decided: one that has another was taken by others, or is looked at again."""

    async def take_due(self, most: int, seconds: float) -> Taken:
        """Comments that are to be decided now; if nobody does within so many seconds they are due again."""
        rows = await fetch(self.pool, _TAKE, self.app, most, seconds)
        return Taken([_comment(row) for row in rows], rows[0]["look_at"] if rows else None)

    def under(self, lease: datetime | None) -> "Matters":
        return replace(self, lease=lease)

    async def renew(self, comments: Sequence[Comment], seconds: float) -> datetime | None:
        """The lease that those have now which are still under this one."""
        rooms, offsets = [one.room for one in comments], [one.offset for one in comments]
        rows = await fetch(self.pool, _RENEW, self.app, rooms, offsets, self.lease, seconds)
        return rows[0]["look_at"] if rows else self.lease

    async def decided(self, room: str, offsets: Sequence[int]) -> None:
        """Those under the lease are not due again, even if it has run out."""
        await fetch(self.pool, _DECIDED, self.app, room, list(offsets), self.lease)

    async def look_before(self, pushes: Sequence[int]) -> None:
        """Decide again about the comment before each of these pushes, if others collapsed into them."""
        if pushes:
            await fetch(self.pool, LOOK_BEFORE, self.app, list(pushes))

    async def overdue(self) -> float:
        """Seconds for which the oldest undecided comment has been due."""
        [row] = await fetch(self.pool, _OVERDUE, self.app)
        return float(row["seconds"])

    async def members_with_devices(self, room: str, after: str, limit: int) -> Sequence[Member]:
        """By user id, following `after`."""
        rows = await fetch(self.pool, _WITH_DEVICES, self.app, room, after, limit)
        return [_member(row) for row in rows]

    async def members(self, places: Sequence[Place]) -> Mapping[Place, Member]:
        rooms, users = [room for room, _ in places], [user for _, user in places]
        rows = await fetch(self.pool, _MEMBERS, self.app, rooms, users)
        return {(row["room"], row["user"]): _member(row) for row in rows}

    async def comments(self, places: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], Comment]:
        """By room and offset."""
        rooms, offsets = [room for room, _ in places], [offset for _, offset in places]
        rows = await fetch(self.pool, _COMMENTS, self.app, rooms, offsets)
        return {(row["room"], row["offset"]): _comment(row) for row in rows}

    async def titles(self, rooms: Sequence[str]) -> Mapping[str, str]:
        """Of those rooms that have one."""
        rows = await fetch(self.pool, _TITLES, self.app, list(rooms))
        return {row["room"]: row["title"] for row in rows}


def _comment(row: asyncpg.Record) -> Comment:
    return Comment(
        room=row["room"],
        offset=row["offset"],
        id=row["id"],
        event=row["event"],
        author=row["author"],
        author_name=row["author_name"],
        author_avatar=row["author_avatar"],
        body=row["body"],
        at=row["at"],
        mentions=frozenset(row["mentions"]),
        urgent=row["urgent"],
        deleted=row["deleted"],
        trace=row["trace"],
    )


def _member(row: asyncpg.Record) -> Member:
    return Member(row["user"], delivered=row["delivered"], read=row["read"])


_TAKE = """
    with due as (
        select app, room, "offset" from notifier.comments
        where app = $1 and look_at <= now()
        order by look_at limit $2 for update skip locked
    )
    update notifier.comments c set look_at = now() + make_interval(secs => $3)
    from due where c.app = due.app and c.room = due.room and c."offset" = due."offset"
    returning c.*
"""

_RENEW = """
    with held as (
        select c.app, c.room, c."offset" from unnest($2::text[], $3::bigint[]) as asked (room, "offset")
        join notifier.comments c on c.app = $1 and c.room = asked.room and c."offset" = asked."offset"
        where c.look_at = $4 for update of c skip locked
    )
    update notifier.comments c set look_at = now() + make_interval(secs => $5)
    from held where c.app = held.app and c.room = held.room and c."offset" = held."offset"
    returning c.look_at
"""
"""One that somebody has locked is left to be decided again, as no order of locks is agreed on."""

_DECIDED = """
    update notifier.comments set look_at = null where app = $1 and room = $2 and "offset" = any($3::bigint[])
        and look_at = $4
"""
"""A comment that is to be looked at again since it was taken has another time."""

LOOK_BEFORE = """
    update notifier.comments c set look_at = now()
    from (
        select distinct p.room, earlier."offset"
        from notifier.pushes p
        join notifier.comments earlier on earlier.app = $1 and earlier.room = p.room
            and earlier."offset" < p."offset" and not earlier.deleted and earlier.author <> p."user"
        where p.app = $1 and p.id = any($2::bigint[]) and p.kind = 'comment'
            and (p.stands_for > 1 or exists (
                select from notifier.pushes one
                where one.app = $1 and one.device = p.device and one.room = p.room
                    and one."offset" < p."offset" and one.state = 'cancelled' and one.reason = 'collapsed'
            ))
            and not exists (
                select from notifier.members m where m.app = $1 and m.room = p.room and m."user" = p."user"
                    and m.read >= earlier."offset"
            )
            and not exists (
                select from notifier.pushes shown
                where shown.app = $1 and shown.device = p.device and shown.room = p.room
                    and shown."offset" >= earlier."offset" and shown.kind = 'comment'
                    and shown."user" = p."user" and shown.state in ('sent', 'unknown')
            )
    ) as before
    where c.app = $1 and c.room = before.room and c."offset" = before."offset"
"""

_OVERDUE = """
    select coalesce(extract(epoch from now() - min(look_at)), 0) as seconds
    from notifier.comments where app = $1 and look_at <= now()
"""

_WITH_DEVICES = """
    select m."user", m.delivered, m.read from notifier.members m
    where m.app = $1 and m.room = $2 and m."user" > $3
        and exists (select from notifier.devices d where d.app = m.app and d."user" = m."user")
    order by m."user" limit $4
"""

_MEMBERS = """
    select m.room, m."user", m.delivered, m.read
    from unnest($2::text[], $3::text[]) as asked (room, "user")
    join notifier.members m on m.app = $1 and m.room = asked.room and m."user" = asked."user"
"""

_COMMENTS = """
    select c.* from (select distinct * from unnest($2::text[], $3::bigint[])) as asked (room, "offset")
    join notifier.comments c on c.app = $1 and c.room = asked.room and c."offset" = asked."offset"
"""

_TITLES = "select room, title from notifier.rooms where app = $1 and room = any($2) and title is not null"
