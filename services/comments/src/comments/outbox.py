"""The outbox's rows: events that are committed and not yet confirmed by the stream."""

from collections.abc import Collection, Sequence

import asyncpg

from comments.database import Pool
from comments.log import Stored
from comments.postgres import PARTITIONS
from events import Record, rfc3339

__all__ = ["PARTITIONS", "ROOMS", "backlog", "delete", "read", "rooms"]

ROOMS = 200
"""Rooms read at once."""

ROWS = 2_000
"""Events read at once."""


async def read(pool: Pool, asked: Sequence[tuple[int, int, int]]) -> tuple[list[int], list[Stored]]:
    """Events of the rooms asked for as (partition, room key, lowest offset), each room's in order.

    Also the keys of the rooms of which nothing is left to read.
    """
    partitions, keys, offsets = zip(*asked, strict=True)
    rows = await pool.fetch(_READ, partitions, keys, offsets, ROWS)
    stored = [Stored(row["room"], row["partition"], _record(row)) for row in rows]
    if len(rows) < ROWS:
        return list(keys), stored
    return [key for key in keys if key < stored[-1].key], stored


async def rooms(pool: Pool, partitions: Collection[int]) -> list[tuple[int, int]]:
    """Partition and key of rooms that have something in the outbox for longer than a publish takes."""
    rows = await pool.fetch(_ROOMS, list(partitions), ROWS)
    return [(row["partition"], row["room"]) for row in rows]


async def delete(pool: Pool, stored: Sequence[Stored]) -> None:
    """Confirmed by the stream: a crash before this only publishes them again, under the same id."""
    await pool.execute(
        _DELETE,
        [one.partition for one in stored],
        [one.key for one in stored],
        [one.record.offset for one in stored],
    )


async def backlog(pool: Pool) -> tuple[int, float]:
    """How many events wait, and for how many seconds the oldest has."""
    row = await pool.fetchrow(_BACKLOG)
    assert row is not None
    return row["size"], row["age"]


def _record(row: asyncpg.Record) -> Record:
    return Record(
        app=row["app"],
        room=row["name"],
        epoch=row["epoch"],
        offset=row["offset"],
        id=row["id"],
        type=row["type"],
        at=rfc3339(row["at"]),
        data=row["data"].encode(),
        trace=row["trace"],
    )


_READ = """
    select outbox.partition, outbox.room, room.app, room.id as name, room.epoch,
        event."offset", event.id, event.type, event.at, event.data, event.trace
    from unnest($1::smallint[], $2::bigint[], $3::bigint[]) as asked (partition, room, "offset")
    join comments.outbox as outbox
        on outbox.partition = asked.partition and outbox.room = asked.room
        and outbox."offset" >= asked."offset"
    join comments.events as event on event.room = outbox.room and event."offset" = outbox."offset"
    join comments.rooms as room on room.key = outbox.room
    order by outbox.room, outbox."offset" limit $4
"""
_ROOMS = """
    select distinct partition, room from comments.outbox
    where partition = any($1::smallint[]) and since < now() - interval '1 second' limit $2
"""
_DELETE = """
    with fast as (select set_config('synchronous_commit', 'off', true))
    delete from comments.outbox as outbox
    using fast, unnest($1::smallint[], $2::bigint[], $3::bigint[]) as done (partition, room, "offset")
    where outbox.partition = done.partition and outbox.room = done.room and outbox."offset" = done."offset"
"""
_BACKLOG = """
    select count(*) as size, coalesce(extract(epoch from now() - min(since)), 0)::float8 as age
    from comments.outbox
"""
