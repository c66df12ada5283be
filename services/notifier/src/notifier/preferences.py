"""What people want to be notified of: a row for all rooms, and one for each room that differs from it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import asyncpg

from chassis.problems import invalid
from notifier.database import Connection, Pool, asking, fetch
from notifier.model import Preferences, QuietHours, RoomPreferences

EVERYWHERE = ""
"""The column `room` of the row for all rooms."""

Change = Callable[[Preferences], Preferences]


@dataclass(frozen=True, slots=True)
class PreferencesTable:
    """Of one app. All raise `Unavailable`. A mute that is over is not told of, and is not kept."""

    pool: Pool
    app: str
    rooms: int = 1_000
    """For which a person can have preferences of their own."""

    async def of(self, users: Sequence[str], rooms: Collection[str] | None = None) -> dict[str, Preferences]:
        """Of those users who have any; as far as they are of these rooms, `None` is all."""
        chosen = None if rooms is None else [EVERYWHERE, *rooms]
        return _people(await fetch(self.pool, _OF, self.app, list(users), chosen))

    async def get(self, user: str) -> Preferences:
        return (await self.of([user])).get(user, Preferences())

    async def put(self, user: str, change: Change) -> Preferences:
        """What they are now: what `change` makes of what they were, one change of a person after another.

        Raise `InvalidRequest` for too many rooms.
        """
        with asking():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(_LOCK, f"notifier {self.app} preferences {user}")
                await connection.execute(_TIDY, self.app, user)
                rows = await connection.fetch(_OF, self.app, [user], None)
                before = _people(rows).get(user, Preferences())
                after = _tidied(change(before))
                if len(after.rooms) > max(self.rooms, len(before.rooms)):
                    raise invalid(
                        [{"loc": ("rooms",), "msg": f"at most {self.rooms} rooms can have their own"}]
                    )
                await self._write(connection, user, before, after)
                return after

    async def mute(self, user: str, room: str, until: datetime | None) -> RoomPreferences:
        """Those of the room from now on; `None` ends a mute. Raise `InvalidRequest` for too many rooms."""

        def change(before: Preferences) -> Preferences:
            one = replace(before.rooms.get(room, RoomPreferences()), muted_until=until)
            return replace(before, rooms={**before.rooms, room: one})

        return (await self.put(user, change)).rooms.get(room, RoomPreferences())

    async def _write(
        self, connection: Connection, user: str, before: Preferences, after: Preferences
    ) -> None:
        """What differs."""
        if gone := [room for room in before.rooms if room not in after.rooms]:
            await connection.execute(_REMOVE, self.app, user, gone)
        changed = {room: one for room, one in after.rooms.items() if before.rooms.get(room) != one}
        if changed:
            await connection.execute(_PUT_ROOMS, self.app, user, *_columns(changed))
        if replace(before, rooms={}) != replace(after, rooms={}):
            await connection.execute(_PUT, self.app, user, EVERYWHERE, *_values(after))


def _tidied(preferences: Preferences) -> Preferences:
    """Without rooms that are as all others."""
    kept = {room: one for room, one in preferences.rooms.items() if one != RoomPreferences()}
    return replace(preferences, rooms=kept)


def _columns(rooms: Mapping[str, RoomPreferences]) -> Iterable[list[object]]:
    each = [(room, one.level, one.muted_until, one.preview) for room, one in rooms.items()]
    return (list(column) for column in zip(*each, strict=True))


def _values(preferences: Preferences) -> tuple[object, ...]:
    quiet = preferences.quiet
    hours = (None, None, None) if quiet is None else (quiet.start, quiet.end, quiet.zone)
    muted = sorted(preferences.muted_users)
    return (preferences.level, preferences.muted_until, preferences.preview, muted, *hours)


@dataclass(slots=True)
class _Gathered:
    """A person's rows."""

    everywhere: Preferences = field(default_factory=Preferences)
    rooms: dict[str, RoomPreferences] = field(default_factory=dict)

    def add(self, row: asyncpg.Record) -> None:
        if row["room"] == EVERYWHERE:
            self.everywhere = _everywhere(row)
        else:
            self.rooms[row["room"]] = RoomPreferences(row["level"], row["muted_until"], row["preview"])


def _people(rows: Iterable[asyncpg.Record]) -> dict[str, Preferences]:
    found: dict[str, _Gathered] = {}
    for row in rows:
        found.setdefault(row["user"], _Gathered()).add(row)
    return {user: _tidied(replace(one.everywhere, rooms=one.rooms)) for user, one in found.items()}


def _everywhere(row: asyncpg.Record) -> Preferences:
    start, end, zone = row["quiet_from"], row["quiet_to"], row["quiet_zone"]
    return Preferences(
        level=row["level"],
        muted_until=row["muted_until"],
        preview=row["preview"],
        muted_users=frozenset(row["muted_users"]),
        quiet=None if start is None else QuietHours(start, end, zone),
    )


_OF = """
    select "user", room, level, case when muted_until > now() then muted_until end as muted_until, preview,
        muted_users, quiet_from, quiet_to, quiet_zone
    from notifier.preferences
    where app = $1 and "user" = any($2::text[]) and ($3::text[] is null or room = any($3))
    order by "user", room
"""

_LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"

_TIDY = """
    delete from notifier.preferences
    where app = $1 and "user" = $2 and room <> '' and level is null and preview is null
        and (muted_until is null or muted_until <= now())
"""

_REMOVE = 'delete from notifier.preferences where app = $1 and "user" = $2 and room = any($3::text[])'

_PUT_ROOMS = """
    insert into notifier.preferences (app, "user", room, level, muted_until, preview)
    select $1, $2, n.* from unnest($3::text[], $4::text[], $5::timestamptz[], $6::bool[])
        as n (room, level, muted_until, preview)
    on conflict (app, "user", room) do update set level = excluded.level, muted_until = excluded.muted_until,
        preview = excluded.preview, updated_at = now()
"""

_PUT = """
    insert into notifier.preferences (app, "user", room, level, muted_until, preview, muted_users,
        quiet_from, quiet_to, quiet_zone)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (app, "user", room) do update set level = excluded.level, muted_until = excluded.muted_until,
        preview = excluded.preview, muted_users = excluded.muted_users, quiet_from = excluded.quiet_from,
        quiet_to = excluded.quiet_to, quiet_zone = excluded.quiet_zone, updated_at = now()
"""
