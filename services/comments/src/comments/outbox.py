"""The outbox's rows: events that are committed and not yet confirmed by the stream."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from comments.database import Pool
from comments.log import Stored
from comments.postgres import PARTITIONS
from events import Record, rfc3339

__all__ = [
    "PARTITIONS",
    "ROOMS",
    "Waiting",
    "count",
    "delete",
    "filling",
    "insert",
    "read",
    "refilling",
    "waiting",
]

ROOMS = 200
"""Rooms read at once."""

ROWS = 2_000
"""Events read at once."""

BYTES = 8 << 20
"""Of events read at once: fewer than `ROWS` if they are large, but at least one."""

WAITING = 5_000
"""Rooms looked at in one look; it takes Postgres 20 µs each."""

COUNTED = 100_000
"""Rows that are counted; beyond, Postgres' own estimate is good enough, and costs nothing."""

Range = tuple[int, int, int, int]
"""Partition, room key, and the offsets above which and up to which events are meant."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A room with something in the outbox, and the first of it."""

    partition: int
    key: int
    age: float
    """Seconds for which it has waited."""
    refill: int


async def read(pool: Pool, asked: Sequence[tuple[int, int, int]]) -> tuple[list[int], list[Stored]]:
    """Events of the rooms asked for as (partition, room key, lowest offset), each room's in order.

    Also the keys of the rooms of which nothing is left to read.
    """
    partitions, keys, offsets = zip(*asked, strict=True)
    rows = await pool.fetch(_READ, partitions, keys, offsets, ROWS, BYTES)
    stored = [Stored(row["room"], row["partition"], _record(row)) for row in rows]
    if not rows or len(rows) == rows[0]["found"] < ROWS:
        return list(keys), stored
    return [key for key in keys if key < stored[-1].key], stored


async def waiting(pool: Pool, partitions: Collection[int]) -> list[Waiting]:
    """At most `WAITING` rooms that have something in the outbox, of all the partitions alike."""
    rows = await pool.fetch(_WAITING, list(partitions), WAITING)
    return [Waiting(**row) for row in rows]


async def delete(pool: Pool, confirmed: Sequence[tuple[Stored, int]]) -> None:
    """Confirmed by the stream under these sequences: a crash before this only publishes them again.

    What was given to a refill meanwhile stays: the stream that confirmed it has lost it.
    """
    newest = {one.partition: (sequence, one.record.message_id) for one, sequence in confirmed}
    await pool.execute(
        _DELETE,
        [one.partition for one, _ in confirmed],
        [one.key for one, _ in confirmed],
        [one.record.offset for one, _ in confirmed],
        [one.record.refill for one, _ in confirmed],
        list(newest),
        [sequence for sequence, _ in newest.values()],
        [message for _, message in newest.values()],
    )


async def insert(pool: Pool, ranges: Iterable[Range], refill: int, seconds: float) -> int:
    """Put these events back, if they are younger than `seconds`, to be published under ids of the refill.

    Those that wait already are published so too. Nothing is done for a partition that another refill has
    taken over. Return how many did not wait already.
    """
    partitions, keys, above, last = zip(*ranges, strict=True)
    return int(await pool.fetchval(_INSERT, partitions, keys, above, last, refill, seconds))


async def count(pool: Pool, partitions: Collection[int]) -> int:
    """How many events wait: exactly up to `COUNTED`, beyond that as Postgres estimates."""
    return int(await pool.fetchval(_COUNT, list(partitions), COUNTED, len(partitions) / PARTITIONS))


async def refilling(pool: Pool) -> int:
    """How many events wait to be published again, in all partitions; exactly, so ask seldom."""
    return int(await pool.fetchval(_REFILLING))


async def filling(pool: Pool) -> bool:
    """Whether the stream lacks something that it had, or may: in any partition."""
    return bool(await pool.fetchval(_FILLING))


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
        refill=row["refill"],
    )


_READ = """
    select * from (
        select waiting.*, count(*) over () as found,
            sum(octet_length(data::text)) over (order by room, "offset") as size,
            row_number() over (order by room, "offset") as number
        from (
            select outbox.partition, outbox.room, outbox.refill, room.app, room.id as name, room.epoch,
                event."offset", event.id, event.type, event.at, event.data, event.trace
            from unnest($1::smallint[], $2::bigint[], $3::bigint[]) as asked (partition, room, "offset")
            join comments.outbox as outbox
                on outbox.partition = asked.partition and outbox.room = asked.room
                and outbox."offset" >= asked."offset"
            join comments.events as event
                on event.room = outbox.room and event."offset" = outbox."offset"
            join comments.rooms as room on room.key = outbox.room
            order by outbox.room, outbox."offset" limit $4
        ) as waiting
    ) as measured
    where size <= $5 or number = 1 order by number
"""

# From room to room by the index, past however many events each has.
_WAITING = """
    with recursive waiting as (
        select first.* from unnest($1::smallint[]) as owned (partition)
        cross join lateral (
            select outbox.partition, outbox.room, outbox.since, outbox.refill from comments.outbox as outbox
            where outbox.partition = owned.partition order by outbox.room, outbox."offset" limit 1
        ) as first
        union all
        select next.* from waiting
        cross join lateral (
            select outbox.partition, outbox.room, outbox.since, outbox.refill from comments.outbox as outbox
            where outbox.partition = waiting.partition and outbox.room > waiting.room
            order by outbox.room, outbox."offset" limit 1
        ) as next
    )
    select partition, room as key, extract(epoch from clock_timestamp() - since)::float8 as age, refill
    from waiting limit $2
"""
_DELETE = """
    with fast as (select set_config('synchronous_commit', 'off', true)),
    marked as (
        update comments.stream_marks as mark
        set seq = newest.seq, message = newest.message, confirmed = now()
        from unnest($5::smallint[], $6::bigint[], $7::text[]) as newest (partition, seq, message)
        where mark.partition = newest.partition
    )
    delete from comments.outbox as outbox
    using fast, unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[])
        as done (partition, room, "offset", refill)
    where outbox.partition = done.partition and outbox.room = done.room
        and outbox."offset" = done."offset" and outbox.refill = done.refill
"""
_INSERT = """
    with lost as (
        insert into comments.outbox (partition, room, "offset", refill)
        select lost.partition, lost.room, event."offset", $5
        from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[])
            as lost (partition, room, above, last)
        join comments.stream_marks as mark on mark.partition = lost.partition and mark.refill = $5
        join comments.events as event
            on event.room = lost.room and event."offset" > lost.above and event."offset" <= lost.last
        where event.at > now() - make_interval(secs => $6)
        on conflict (partition, room, "offset") do update set refill = excluded.refill
        returning partition, xmax = 0 as inserted
    ),
    counted as (select partition, count(*) as events from lost where inserted group by partition),
    marked as (
        update comments.stream_marks as mark set filled = mark.filled + counted.events
        from counted where mark.partition = counted.partition
    )
    select coalesce(sum(events), 0) from counted
"""
_REFILLING = "select count(*) from comments.outbox where refill <> 0"
_FILLING = """
    select exists (select from comments.outbox where refill <> 0)
        or exists (select from comments.stream_marks where created is null)
"""
_COUNT = """
    select case when counted.rows < $2 then counted.rows
        else greatest(counted.rows, estimated.rows * $3)::bigint end
    from (
        select count(*) as rows
        from (select from comments.outbox where partition = any($1::smallint[]) limit $2) as first
    ) as counted,
    (select reltuples as rows from pg_class where oid = 'comments.outbox'::regclass) as estimated
"""
