"""The pushes that are owed, and what became of them: a row for each event and device.

A row is claimed before it is sent. If whoever claimed it ends without a word, it is due again, marked
`unsure`: the next attempt has the same ids, so that a device replaces what it may be showing already.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from notifier.database import Pool, asking, fetch
from notifier.model import Reason
from notifier.outbox_rows import Claimed, Fate, Owed, Spared

COUNTED = 100
"""Earlier pushes that are counted of what one stands for; who never reads would cost ever more."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Of one app. All raise `Unavailable`."""

    pool: Pool
    app: str

    async def owe(self, room: str, owed: Sequence[Owed], spared: Sequence[Spared], interval: float) -> None:
        """Write down what was decided of a room's comments; what is written already stays as it is.

        A push comes `interval` seconds at least after the last one about the room on that device, and takes
        the place of an earlier one that still waits.
        """
        with asking():
            async with self.pool.acquire() as connection, connection.transaction():
                if owed:
                    await connection.execute(_OWE, self.app, room, *_columns(owed), interval)
                    await connection.execute(_COLLAPSE, self.app, room, *_places(owed))
                if spared:
                    await connection.execute(_SPARE, self.app, room, *_columns(spared))

    async def claim(self, free: Mapping[str, int], holder: str, lease: float) -> Sequence[Claimed]:
        """Rows that are due, for `lease` seconds: of each platform at most so many."""
        asked = (self.app, list(free), holder, lease, list(free.values()), COUNTED)
        return [_claimed(row) for row in await fetch(self.pool, _CLAIM, *asked)]

    async def release(self, holder: str, known: Collection[int]) -> int:
        """Make rows due again, as if untouched, that are claimed by a holder who does not know of them."""
        with asking():
            done = await self.pool.execute(_RELEASE, self.app, holder, list(known))
        return int(done.rpartition(" ")[2])

    async def settle(self, holder: str, fates: Sequence[Fate]) -> int:
        """Write down what became of rows; one whose claim ran out is left to who has it now."""
        with asking():
            done = await self.pool.execute(_SETTLE, self.app, holder, *_columns(fates))
        return int(done.rpartition(" ")[2])

    async def recover(self, attempts: int) -> int:
        """Make rows due again whose claim ran out; those with so many unanswered attempts stay unknown."""
        with asking():
            done = await self.pool.execute(_RECOVER, self.app, attempts)
        return int(done.rpartition(" ")[2])

    async def returned(self, places: Sequence[tuple[str, str]]) -> int:
        """Cancel what waits for people (room and user) who are here, if it was delivered to them."""
        rooms, users = [room for room, _ in places], [user for _, user in places]
        with asking():
            done = await self.pool.execute(_RETURNED, self.app, rooms, users, Reason.HERE)
        return int(done.rpartition(" ")[2])

    async def overdue(self) -> tuple[int, float]:
        """Rows that are due, and for how many seconds the oldest of them has been."""
        [row] = await fetch(self.pool, _OVERDUE, self.app)
        return row["due"], float(row["seconds"])


def _columns(rows: Sequence[Owed] | Sequence[Spared] | Sequence[Fate]) -> Iterable[list[object]]:
    """Of the dataclass' fields, in their order."""
    return ([getattr(row, name) for row in rows] for name in rows[0].__dataclass_fields__)


def _places(owed: Sequence[Owed]) -> tuple[list[str], list[int], str]:
    return [each.device for each in owed], [each.offset for each in owed], Reason.COLLAPSED


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(**{name: row[name] for name in Claimed.__dataclass_fields__})


_OWE = """
    insert into notifier.pushes (app, kind, room, "offset", event, comment, "user", device, platform, reason,
        not_before, expires_at, stands_for, trace)
    select $1, 'comment', $2, n."offset", n.event, n.comment, n."user", n.device, n.platform, n.reason,
        greatest(n.not_before, last.at + make_interval(secs => $14)), n.expires_at, n.stands_for, n.trace
    from unnest($3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::timestamptz[], $11::timestamptz[], $12::int[], $13::text[])
        as n ("offset", event, comment, "user", device, platform, reason, not_before, expires_at, stands_for,
            trace)
    left join lateral (
        select p.ended_at as at from notifier.pushes p
        where p.app = $1 and p.device = n.device and p.room = $2 and p.kind = 'comment' and p.state = 'sent'
        order by p."offset" desc limit 1
    ) last on true
    where not exists (
        select from notifier.decisions d
        where d.app = $1 and d.room = $2 and d."user" = n."user" and d.reason <> 'collapsed'
            and d.first <= n."offset" and d.last >= n."offset"
    )
    on conflict (app, event, device, kind) do update set
        state = 'waiting', reason = excluded.reason, ended_at = null,
        not_before = excluded.not_before, expires_at = excluded.expires_at
    where pushes.state = 'cancelled' and pushes.reason = 'collapsed'
"""
"""What collapsed is owed again if it is decided again: what it collapsed into was deleted.

Others were decided against before, and stay so.
"""

_COLLAPSE = """
    with locked as (
        select p.id from notifier.pushes p
        join unnest($3::text[], $4::bigint[]) as n (device, "offset")
            on p.device = n.device and p."offset" < n."offset"
        join notifier.pushes newer on newer.app = $1 and newer.room = $2 and newer.device = n.device
            and newer."offset" = n."offset" and newer.kind = 'comment' and newer.state = 'waiting'
        where p.app = $1 and p.room = $2 and p.kind = 'comment' and p.state = 'waiting'
            and newer.not_before <= greatest(p.not_before, now())
        order by p.id for update of p
    )
    update notifier.pushes p set state = 'cancelled', reason = $5, ended_at = now()
    from locked where p.id = locked.id
"""

_SPARE = """
    insert into notifier.decisions (app, room, "user", first, last, reason, trace)
    select $1, $2, n.* from unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
        as n ("user", first, last, reason, trace)
    on conflict (app, room, "user", first) do nothing
"""

_CLAIM = """
    with due as (
        select first.id from unnest($2::text[], $5::int[]) as free (platform, most)
        cross join lateral (
            select id from notifier.pushes p
            where app = $1 and platform = free.platform and state = 'waiting' and not_before <= now()
                and not exists (
                    select from notifier.pushes other
                    where other.app = p.app and other.device = p.device and other.room = p.room
                        and (other.state = 'sending' or (p.kind = 'comment' and other.kind = 'read'
                            and other.state = 'waiting' and other.not_before <= now()))
                )
            order by not_before limit free.most for update skip locked
        ) as first
    ), claimed as (
        update notifier.pushes p
        set state = 'sending', claimed_by = $3, claimed_until = now() + make_interval(secs => $4),
            attempts = attempts + 1
        from due where p.id = due.id returning p.*
    )
    select claimed.*, coalesce((
        select sum(stands_for) from (
            select earlier.stands_for from notifier.pushes earlier
            where earlier.app = claimed.app and earlier.device = claimed.device
                and earlier.room = claimed.room
                and earlier."offset" < claimed."offset" and earlier."offset" > coalesce(m.read, 0)
                and earlier.kind = 'comment' and earlier."user" = claimed."user" and (
                    earlier.state in ('waiting', 'sending', 'sent', 'unknown') or earlier.reason = 'collapsed'
                )
            order by earlier."offset" desc limit $6
        ) as counted
    ), 0)::int + claimed.stands_for - 1 as more,
    exists (
        select from notifier.pushes later
        where later.app = claimed.app and later.device = claimed.device and later.room = claimed.room
            and later."offset" > claimed."offset" and later.kind = 'comment'
            and later."user" = claimed."user" and (later.state in ('sending', 'sent', 'unknown')
                or (claimed.kind = 'comment' and later.state = 'waiting' and later.not_before <= now()))
    ) as superseded
    from claimed left join notifier.members m
        on m.app = claimed.app and m.room = claimed.room and m."user" = claimed."user"
"""

_SETTLE = """
    update notifier.pushes p set
        state = n.state, reason = coalesce(n.reason, p.reason), answer = coalesce(n.answer, p.answer),
        attempts = p.attempts - (n.state = 'waiting' and n.answer is null)::int,
        not_before = coalesce(n.not_before, p.not_before),
        expires_at = coalesce(n.expires_at, p.expires_at), unsure = p.unsure or n.unsure,
        unanswered = p.unanswered + n.unsure::int,
        claimed_by = null, claimed_until = null,
        ended_at = case when n.state = 'waiting' then null else now() end
    from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bool[],
        $9::timestamptz[]) as n (id, state, reason, answer, not_before, unsure, expires_at)
    where p.id = n.id and p.app = $1 and p.claimed_by = $2 and p.state = 'sending'
"""

_RECOVER = """
    update notifier.pushes set
        state = case when unanswered + 1 < $2 then 'waiting' else 'unknown' end, unsure = true,
        unanswered = unanswered + 1, not_before = now(), answer = 'no answer was seen',
        claimed_by = null, claimed_until = null,
        ended_at = case when unanswered + 1 < $2 then null else now() end
    where id in (
        select id from notifier.pushes where app = $1 and state = 'sending' and claimed_until < now()
        for update skip locked
    )
"""

_RELEASE = """
    update notifier.pushes
    set state = 'waiting', attempts = attempts - 1, claimed_by = null, claimed_until = null
    where app = $1 and claimed_by = $2 and state = 'sending' and id <> all($3::bigint[])
"""

_RETURNED = """
    with locked as (
        select p.id from unnest($2::text[], $3::text[]) as here (room, "user")
        join notifier.members m on m.app = $1 and m.room = here.room and m."user" = here."user"
        join notifier.pushes p on p.app = $1 and p.room = here.room and p."user" = here."user"
        where p.kind = 'comment' and p.state = 'waiting' and p."offset" <= m.delivered
        order by p.id for update of p
    )
    update notifier.pushes p set state = 'cancelled', reason = $4, ended_at = now()
    from locked where p.id = locked.id
"""

_OVERDUE = """
    select count(*)::int as due, coalesce(extract(epoch from now() - min(not_before)), 0) as seconds
    from notifier.pushes where app = $1 and state = 'waiting' and not_before <= now()
"""
