"""How a relay knows that the stream is what it was, and what it writes down about what is lost."""

import asyncio
from datetime import UTC, datetime

import pytest
from relays import ROOMS, Installation

from comments import marks, outbox
from comments.database import Pool
from comments.postgres import PARTITIONS
from comments.upkeep import chunks
from events import Bounds

THEN, LATER = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("what", "bounds", "fits"),
    [
        ("as it was", Bounds(THEN, 1, 10, 10), True),
        ("has grown, and dropped what was old", Bounds(THEN, 10, 99, 90), True),
        ("is another one", Bounds(LATER, 1, 10, 10), False),
        ("was purged", Bounds(THEN, 11, 10, 0), False),
        ("was purged and has grown", Bounds(THEN, 11, 99, 89), False),
        ("lost its end", Bounds(THEN, 1, 8, 8), False),
    ],
)
def test_a_mark_knows_the_stream_that_was_compared(what: str, bounds: Bounds, fits: bool) -> None:
    floor = marks.floor_of(Bounds(THEN, 1, 10, 10))
    assert marks.Mark(0, THEN, floor, None, None).fits(bounds) is fits
    assert not marks.Mark(0, None, floor, None, None).fits(bounds), "it is in doubt"


def test_an_empty_stream_may_begin_with_its_next_message() -> None:
    for empty in (Bounds(THEN, 0, 0, 0), Bounds(THEN, 11, 10, 0)):
        mark = marks.Mark(0, THEN, marks.floor_of(empty), None, None)
        assert mark.fits(empty)
        assert mark.fits(Bounds(THEN, empty.last + 1, empty.last + 5, 5))
        assert not mark.fits(Bounds(THEN, empty.last + 2, empty.last + 5, 4))


def test_ranges_are_cut_and_joined_to_chunks() -> None:
    ranges = [(0, 1, 0, 4), (1, 2, 7, 7), (1, 3, 2, 3), (2, 4, 0, 12)]
    assert list(chunks(ranges, 5)) == [
        [(0, 1, 0, 4), (1, 3, 2, 3)],
        [(2, 4, 0, 5)],
        [(2, 4, 5, 10)],
        [(2, 4, 10, 12)],
    ]


async def test_a_slow_refill_does_nothing_once_another_has_begun(
    pool: Pool, installation: Installation
) -> None:
    await installation.post("lobby")
    await pool.execute("delete from comments.outbox")
    [room] = await pool.fetch("select key from comments.rooms")
    slow = await marks.begin(pool, [3])
    await marks.begin(pool, [3])
    assert await outbox.insert(pool, [(3, room["key"], 0, 1)], slow, 3600) == 0
    assert await outbox.count(pool, [3]) == 0


async def test_what_the_lost_stream_confirmed_late_is_not_taken_out_of_the_refill(
    pool: Pool, installation: Installation
) -> None:
    await installation.post("lobby")
    [room] = await pool.fetch("select key from comments.rooms")
    [one] = await outbox.waiting(pool, range(PARTITIONS))
    _, [before] = await outbox.read(pool, [(one.partition, room["key"], 0)])
    number = await marks.begin(pool, [one.partition])
    await outbox.insert(pool, [(one.partition, room["key"], 0, 1)], number, 3600)
    await outbox.delete(pool, [(before, 1)])
    _, [again] = await outbox.read(pool, [(one.partition, room["key"], 0)])
    assert again.record.refill == number
    await outbox.delete(pool, [(again, 2)])
    assert await outbox.count(pool, range(PARTITIONS)) == 0


async def test_a_refill_is_no_reason_for_alarm(installation: Installation, pool: Pool) -> None:
    """Only what somebody just wrote ages; what is published again was delivered long ago."""
    relay = await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    async with asyncio.timeout(10):
        while relay.figures.outbox_size:  # of the posts
            await asyncio.sleep(0.02)
    await installation.server.stop()
    number = await marks.begin(pool, range(PARTITIONS))
    places = await pool.fetch("select key from comments.rooms")
    await outbox.insert(pool, [(0, each["key"], 0, 1) for each in places], number, 3600)
    async with asyncio.timeout(10):
        while relay.figures.outbox_size < len(ROOMS):
            await asyncio.sleep(0.02)
    assert relay.figures.outbox_age == 0
    await pool.execute("delete from comments.outbox")
    await installation.server.start()
