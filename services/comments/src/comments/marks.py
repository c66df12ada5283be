"""Marks in the stream, a partition each: by them a relay knows that the stream still is what it was.

A mark says which stream was compared with the log, how far it had come by then, and where it has the event
of the partition that it confirmed last. A stream that was deleted is another one; one that was purged begins
above the mark's floor; one that lost its end has another event in that place, or none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from comments.database import Pool
from events import Bounds

RENEW_SECONDS = 3600.0
"""After which the floor is raised: one older than the stream keeps events says nothing."""


class Executes(Protocol):
    """A pool, or a connection in a transaction of its own."""

    async def execute(self, query: str, *values: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Mark:
    partition: int
    created: datetime | None
    """`None` if the stream has to be compared again."""
    floor: int | None
    """`None`, as `seq`, if it is from so long ago that the stream may have dropped it for its age."""
    seq: int | None
    message: str | None

    def fits(self, bounds: Bounds) -> bool:
        """Whether the stream can be the one that was compared, and can have kept everything since."""
        if self.created != bounds.created:
            return False
        return self.floor is None or bounds.first <= self.floor <= bounds.last + 1


def floor_of(bounds: Bounds) -> int:
    """Where a stream with these bounds begins at the latest, unless it is purged."""
    return bounds.last if bounds.messages else bounds.last + 1


async def read(pool: Pool, partitions: Collection[int], seconds: float) -> list[Mark]:
    """The marks; what they say of times longer ago than `seconds` is left out."""
    return [Mark(**row) for row in await pool.fetch(_READ, list(partitions), seconds)]


async def begin(pool: Pool, partitions: Collection[int]) -> int:
    """A new refill compares these; return its number."""
    return int(await pool.fetchval(_BEGIN, list(partitions)))


async def end(pool: Pool, partitions: Collection[int], refill: int, bounds: Bounds) -> None:
    """The refill has compared them with the stream that had these bounds when it began.

    Not those that were put in doubt, or begun by another, since.
    """
    await pool.execute(_END, list(partitions), refill, bounds.created, floor_of(bounds))


async def renew(pool: Pool, partitions: Collection[int], bounds: Bounds) -> None:
    """The partitions' marks were found to fit these bounds."""
    await pool.execute(_RENEW, list(partitions), bounds.created, floor_of(bounds), RENEW_SECONDS)


async def doubt(connection: Executes, partitions: Sequence[int]) -> None:
    """Have the owners of the partitions compare them with the stream again, soon."""
    await connection.execute(_DOUBT, list(partitions))


async def progress(pool: Pool, partitions: Sequence[int]) -> tuple[int, int]:
    """How many of them are to be compared yet, and how many events they had lost since `doubt`."""
    row = await pool.fetchrow(_PROGRESS, list(partitions))
    assert row is not None
    return len(partitions) - row["compared"], row["filled"]


_READ = """
    select partition, created,
        case when floored > now() - make_interval(secs => $2) then floor end as floor,
        case when confirmed > now() - make_interval(secs => $2) then seq end as seq,
        message
    from comments.stream_marks where partition = any($1::smallint[])
"""
_BEGIN = """
    with number as materialized (select nextval('comments.refills') as refill),
    begun as (
        insert into comments.stream_marks (partition, refill)
        select partition, refill from unnest($1::smallint[]) as partition, number order by partition
        on conflict (partition) do update set created = null, refill = excluded.refill
    )
    select refill from number
"""
_END = """
    update comments.stream_marks
    set created = $3, floor = $4, floored = now(), seq = null, message = null, confirmed = null
    where partition = any($1::smallint[]) and refill = $2
"""
_RENEW = """
    update comments.stream_marks set floor = $3, floored = now()
    where partition = any($1::smallint[]) and created = $2 and floor < $3
        and floored < now() - make_interval(secs => $4)
"""
_DOUBT = """
    insert into comments.stream_marks (partition) select partition from unnest($1::smallint[]) as partition
    order by partition on conflict (partition) do update set created = null, refill = 0, filled = 0
"""
_PROGRESS = """
    select count(created) as compared, coalesce(sum(filled), 0)::bigint as filled
    from comments.stream_marks where partition = any($1::smallint[])
"""
