"""Devices of people: where pushes go. An address belongs to one device, a device to one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import asyncpg

from notifier.database import Connection, Pool, asking, fetch
from notifier.model import Device, Reason


@dataclass(frozen=True, slots=True)
class Devices:
    """Of one app. All raise `Unavailable`."""

    pool: Pool
    app: str
    most: int
    """That one person can have."""

    async def put(self, device: Device) -> bool:
        """Whether its person did not have it before; it is registered as of now.

        It is taken from who had it; another device with its address is forgotten, and so are those of the
        person, beyond `most`, that were not heard of for longest. What waits for any of them is cancelled.
        """
        with asking():
            async with self.pool.acquire() as connection, connection.transaction():
                return await self._put(connection, device)

    async def _put(self, connection: Connection, device: Device) -> bool:
        """All locks are taken first, each kind in one order, so that none waits for another for ever."""
        place = (self.app, device.id, device.user, device.platform, device.address)
        await connection.fetch(_LOCK, self._locks(device))
        rows = await connection.fetch(_LOCK_ROWS, *place)
        owners = {row["id"]: row["user"] for row in rows}
        moved = [device.id] if owners.get(device.id, device.user) != device.user else []
        replaced = await connection.fetch(_REPLACE, self.app, device.id, device.platform, device.address)
        await connection.execute(
            _PUT, *place, dict(device.keys), device.target, device.locale, device.time_zone
        )
        evicted = await connection.fetch(_EVICT, self.app, device.user, device.id, self.most)
        gone = moved + [row["id"] for row in (*replaced, *evicted)]
        if gone:
            await self._cancel(connection, gone)
        return owners.get(device.id) != device.user

    async def remove(self, user: str, id: str) -> bool:  # noqa: A002
        """Whether the person had it."""
        return await self._remove(_REMOVE, id, user)

    async def forget(self, id: str, address: str, since: datetime | None) -> bool:  # noqa: A002
        """A provider said that the address is gone: whether the device still had it.

        Not if it was registered after `since`: then the provider speaks of an earlier app.
        """
        return await self._remove(_FORGET, id, address, since)

    async def of(self, users: Sequence[str]) -> dict[str, list[Device]]:
        """Of each of these users, which may be none; the one heard of last comes first."""
        found: dict[str, list[Device]] = {user: [] for user in users}
        for row in await fetch(self.pool, _OF, self.app, list(found)):
            found[row["user"]].append(_device(row))
        return found

    async def get(self, ids: Sequence[str]) -> dict[str, Device]:
        """Those that are registered."""
        return {row["id"]: _device(row) for row in await fetch(self.pool, _GET, self.app, list(ids))}

    async def _remove(self, query: str, id: str, *values: object) -> bool:  # noqa: A002
        with asking():
            async with self.pool.acquire() as connection, connection.transaction():
                if not await connection.fetch(query, self.app, id, *values):
                    return False
                await self._cancel(connection, [id])
                return True

    async def _cancel(self, connection: Connection, devices: Sequence[str]) -> None:
        await connection.execute(_CANCEL, self.app, devices, Reason.DEVICE_GONE)

    def _locks(self, device: Device) -> list[int]:
        """For what no row may stand: two that register the same anew would wait for each other."""
        names = (("id", device.id), ("user", device.user), ("address", f"{device.platform} {device.address}"))
        return sorted(_number(f"notifier {self.app} {kind} {name}") for kind, name in names)


def _number(name: str) -> int:
    """Of an advisory lock: 64 bits of a hash."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _device(row: asyncpg.Record) -> Device:
    return Device(
        id=row["id"],
        user=row["user"],
        platform=row["platform"],
        address=row["address"],
        keys=row["keys"],
        target=row["target"],
        locale=row["locale"],
        time_zone=row["time_zone"],
        registered_at=row["registered_at"],
    )


_LOCK = "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) as number"

_LOCK_ROWS = """
    select id, "user" from notifier.devices
    where app = $1 and (id = $2 or "user" = $3 or (platform = $4 and md5(address) = md5($5)))
    order by id for update
"""

_REPLACE = """
    delete from notifier.devices
    where app = $1 and id <> $2 and platform = $3 and md5(address) = md5($4) returning id
"""

_PUT = """
    insert into notifier.devices (app, id, "user", platform, address, keys, target, locale, time_zone,
        registered_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), clock_timestamp())
    on conflict (app, id) do update set
        "user" = excluded."user", platform = excluded.platform, address = excluded.address,
        keys = excluded.keys, target = excluded.target, locale = excluded.locale,
        time_zone = excluded.time_zone, registered_at = excluded.registered_at,
        updated_at = excluded.updated_at
"""

_EVICT = """
    delete from notifier.devices where app = $1 and id in (
        select id from notifier.devices where app = $1 and "user" = $2
        order by id <> $3, updated_at desc, id offset $4
    ) returning id
"""

_CANCEL = """
    with locked as (
        select id from notifier.pushes where app = $1 and device = any($2::text[]) and state = 'waiting'
        order by id for update
    )
    update notifier.pushes p set state = 'cancelled', reason = $3, ended_at = now()
    from locked where p.id = locked.id
"""

_REMOVE = 'delete from notifier.devices where app = $1 and id = $2 and "user" = $3 returning id'

_FORGET = """
    delete from notifier.devices
    where app = $1 and id = $2 and address = $3 and ($4::timestamptz is null or registered_at <= $4)
    returning id
"""

_OF = """
    select * from notifier.devices where app = $1 and "user" = any($2::text[])
    order by "user", updated_at desc, id
"""

_GET = "select * from notifier.devices where app = $1 and id = any($2::text[])"
