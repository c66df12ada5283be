"""Who follows a room hears who moved; in a large room now and then, and at last, how many are how far."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from contract.recording import Heard
from watermarked import Rooms, join, message, post

from comments.counting import count
from comments.database import Pool
from comments.followers import TOLD, Followers
from events import subjects
from events.receipts import Watermarks
from events.testing import MemoryNats

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Told(Heard[Watermarks]):
    """What is told of the rooms."""


@pytest.fixture
def rooms(pool: Pool) -> Rooms:
    return Rooms(pool, "app")


@pytest.fixture
def nats() -> MemoryNats:
    return MemoryNats()


@pytest.fixture
async def told(nats: MemoryNats) -> Told:
    told = Told()
    await nats.listen(subjects.watermarks_of("app"), lambda _, payload: told(Watermarks.decode(payload)))
    return told


@pytest.fixture
async def followers(pool: Pool, nats: MemoryNats) -> AsyncIterator[Followers]:
    followers = Followers(pool, nats, "app")
    task = asyncio.create_task(followers.run())
    yield followers
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled(), task.exception()


async def test_a_room_is_told_once_however_many_moved(rooms: Rooms, followers: Followers, told: Told) -> None:
    await rooms.do(join("u1"), join("u2"), join("u3"), post("u1"), join("u1", "b"), post("u1", "b"))
    moved = await rooms.write(
        message(NOW, ("u1", 4, 4), ("u2", 4, 3)), message(NOW, ("u1", 2, 2), room="b"), now=NOW
    )
    await followers.tell(moved)
    [first, second] = await told.until(2)
    assert {each.user: (each.delivered, each.read) for each in first.moved} == {"u1": (4, 4), "u2": (4, 3)}
    assert (first.members, first.counts, first.epoch) == (3, None, await rooms.epoch())
    assert (second.members, [each.user for each in second.moved]) == (1, ["u1"])


async def test_of_one_who_moved_twice_the_last_is_told(
    rooms: Rooms, followers: Followers, told: Told
) -> None:
    await rooms.do(join("u1"), *[post("u2") for _ in range(4)])
    moved = [
        *await rooms.write(message(NOW, ("u1", 3, 0)), now=NOW),
        *await rooms.write(message(NOW, ("u1", 5, 5)), now=NOW),
    ]
    await followers.tell(moved)
    [one] = await told.until(1)
    assert [(each.user, each.delivered, each.read) for each in one.moved] == [("u1", 5, 5)]


async def test_in_a_large_room_counts_pause_and_the_last_state_is_told(
    rooms: Rooms, followers: Followers, told: Told
) -> None:
    await rooms.fill("a", 150)
    for number, offset in enumerate(range(10, 20)):
        moved = await rooms.write(message(NOW, (f"m{number:04}", offset, offset - 1)), now=NOW)
        await followers.tell(moved)
    at_once = await told.until(10)
    assert [[each.user for each in one.moved] for one in at_once[:10]] == [
        [f"m{number:04}"] for number in range(10)
    ]
    assert {one.members for one in told.all} == {150}
    async with asyncio.timeout(10):
        while (last := told.all[-1].counts) is None or last.delivered[0][0] < 19:
            await told.until(len(told.all) + 1)
    assert told.all[0].counts is not None
    assert sum(one.counts is not None for one in told.all) < 10
    assert told.all[-1].moved == []
    assert last.delivered == [*[(19 - n, n + 1) for n in range(10)], (1, 150)]
    assert last.read == [*[(18 - n, n + 1) for n in range(10)], (1, 150)]


async def test_only_the_newest_steps_are_counted(rooms: Rooms, pool: Pool) -> None:
    await rooms.fill("a", 120)
    await rooms.write(message(NOW, *[(f"m{number:04}", 100 + number, 0) for number in range(50)]), now=NOW)
    [found] = (await count(pool, await pool.fetchval("select array_agg(key) from comments.rooms"))).values()
    assert (found.room, found.members) == ("a", 120)
    assert found.counts is not None
    assert found.counts.delivered == [*[(149 - n, n + 1) for n in range(16)], (1, 120)]
    assert found.counts.read == [(1, 120)]


async def test_newcomers_of_a_large_room_are_counted_by_where_they_began(rooms: Rooms, pool: Pool) -> None:
    await rooms.fill("a", 120)
    await rooms.do(*[join(f"n{number:02}") for number in range(20)])
    await rooms.write(message(NOW, ("n03", 0, 1)), now=NOW)
    [found] = (await count(pool, await pool.fetchval("select array_agg(key) from comments.rooms"))).values()
    assert found.counts is not None
    began = [offset for offset in range(1001, 1021) if offset != 1004]
    newest = [(offset, n) for n, offset in enumerate(reversed(began[-16:]), 1)]
    assert found.counts.newcomers == [*newest, (1, 20)], "the one who made the room has not read either"


async def test_many_who_move_at_once_are_told_in_several_messages(
    rooms: Rooms, followers: Followers, told: Told
) -> None:
    members = TOLD + 1
    await rooms.fill("a", members)
    everybody = [(f"m{number:04}", 7, 5) for number in range(members)]
    await followers.tell(await rooms.write(message(NOW, *everybody), now=NOW))
    first, second = (await told.until(2))[:2]
    assert (len(first.moved), len(second.moved)) == (TOLD, 1)
    assert first.counts is None
    assert second.counts is not None
    assert second.counts.delivered == [(7, members)]
    assert second.members == members


async def test_while_nats_is_away_nobody_is_told_and_it_is_said_once(
    rooms: Rooms, followers: Followers, told: Told, nats: MemoryNats, caplog: pytest.LogCaptureFixture
) -> None:
    await rooms.do(join("u1"), *[post("u2") for _ in range(5)])
    nats.go_away()
    for offset in (2, 3):
        await followers.tell(await rooms.write(message(NOW, ("u1", offset, 0)), now=NOW))
    nats.come_back()
    await followers.tell(await rooms.write(message(NOW, ("u1", 4, 0)), now=NOW))
    [one] = await told.until(1)
    assert one.moved[0].delivered == 4
    lines = [line.getMessage() for line in caplog.records if line.name == "comments.followers"]
    assert lines == ["who follows rooms waits for NATS: away", "who follows rooms has NATS again"]


async def test_a_large_room_that_is_gone_is_owed_nothing(
    rooms: Rooms, followers: Followers, told: Told, pool: Pool
) -> None:
    """An older log was put back, which does not know it."""
    await rooms.fill("a", 101)
    moved = await rooms.write(message(NOW, ("m0001", 5, 5)), now=NOW)
    await followers.tell([replace(each, key=-1, room="gone") for each in moved])
    await followers.tell(moved)
    assert [one.members for one in await told.until(2)] == [101, 101]
