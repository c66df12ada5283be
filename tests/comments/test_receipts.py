"""Watermarks, written in bulk: they only grow, stay within the log, and nobody waits for ever."""

import asyncio
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watermarked import Rooms, join, leave, message, post

from comments.acknowledgements import gather
from comments.database import Pool
from comments.receipts import KEPT, ROWS
from comments.restore import begin_epoch
from comments.watermarks import Acknowledged, Mark

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


LATER = at(3600)


@pytest.fixture
def rooms(pool: Pool) -> Rooms:
    return Rooms(pool, "app")


async def test_a_new_member_begins_at_the_event_that_made_them_one(rooms: Rooms) -> None:
    await rooms.do(post("u1"), post("u1"), join("u2"), post("u3"), post("u3"))
    assert await rooms.marks() == {"u1": (1, 1), "u2": (3, 3), "u3": (4, 4)}


async def test_watermarks_grow_and_who_moved_is_said(rooms: Rooms) -> None:
    await rooms.do(*[join(user) for user in ("u1", "u2", "u3")], *[post()] * 1, *[post() for _ in range(5)])
    [room] = await rooms.write(message(NOW, ("u1", 5, 4), ("u2", 6, 0), ("u3", 1, 1)), now=LATER)
    assert (room.room, room.members, room.epoch) == ("a", 3, await rooms.epoch())
    moved = sorted((each.user, each.delivered, each.read) for each in room.receipts)
    assert moved == [("u1", 5, 4), ("u2", 6, 2), ("u3", 3, 3)], "u3 is no newcomer any more"
    assert await rooms.write(message(at(1), ("u1", 4, 2), ("u2", 6, 0)), now=LATER) == []
    assert await rooms.marks() == {"u1": (5, 4), "u2": (6, 2), "u3": (3, 3)}


async def test_what_is_read_was_delivered_and_nothing_is_beyond_the_head(rooms: Rooms) -> None:
    await rooms.do(join("u1"), post("u2"), post("u2"))
    await rooms.write(message(NOW, ("u1", 0, 2)), now=LATER)
    assert (await rooms.marks())["u1"] == (2, 2)
    await rooms.write(message(NOW, ("u1", 2**63 - 1, 0), ("u2", 0, 2**63 - 1)), now=LATER)
    assert await rooms.marks() == {"u1": (3, 2), "u2": (3, 3)}


async def test_only_members_have_watermarks(rooms: Rooms) -> None:
    await rooms.do(join("u1"), join("u2"), post())
    taken = [message(NOW, ("u1", 3, 3), ("stranger", 3, 3)), message(NOW, ("u1", 1, 1), room="unknown")]
    assert await rooms.moved(*taken, now=LATER) == [("u1", 3, 3)]
    await rooms.do(leave("u2"))
    assert await rooms.write(message(NOW, ("u2", 4, 4)), now=LATER) == []
    assert set(await rooms.marks()) == {"u1"}
    await rooms.do(join("u2"))
    await rooms.write(message(NOW, ("u2", 3, 3)), now=LATER)
    assert (await rooms.marks())["u2"] == (5, 5), "who comes back begins anew"


async def test_offsets_of_another_epoch_and_another_app_mean_nothing(rooms: Rooms, pool: Pool) -> None:
    foreign = Rooms(pool, "another")
    for each in (rooms, foreign):
        await each.do(join("u1"), post("u2"))
    assert await rooms.write(message(NOW, ("u1", 2, 2), epoch="another"), now=LATER) == []
    assert len(await rooms.write(message(NOW, ("u1", 2, 0), epoch=await rooms.epoch()), now=LATER)) == 1
    assert len(await rooms.write(message(NOW, ("u1", 2, 2)), now=LATER)) == 1
    assert (await foreign.marks())["u1"] == (1, 1)


async def test_the_same_user_with_and_without_an_epoch_is_written_twice(rooms: Rooms) -> None:
    await rooms.do(join("u1"), *[post("u2") for _ in range(5)])
    epoch = await rooms.epoch()
    taken = [message(NOW, ("u1", 6, 2), epoch=epoch), message(NOW, ("u1", 3, 4))]
    assert await rooms.moved(*taken, now=LATER) == [("u1", 6, 2), ("u1", 6, 4)]


async def test_what_came_again_is_told_again_and_not_moved(rooms: Rooms, pool: Pool) -> None:
    await rooms.do(join("u1"), post("u2"))
    await rooms.write(message(NOW, ("u1", 2, 2)), now=LATER)
    before = await pool.fetch("select * from comments.receipts")
    assert await rooms.write(message(at(9), ("u1", 2, 2)), now=LATER) == []
    again = message(at(9), ("u1", 2, 2), again=True)
    assert await rooms.moved(again, now=LATER) == [("u1", 2, 2)]
    assert await pool.fetch("select * from comments.receipts") == before


@dataclass
class Row:
    """What a row must be: the same rules as in SQL."""

    delivered: list[Mark]
    """Moves, the newest first."""
    read: list[Mark]
    newcomer: bool = field(default=True, compare=False)
    changed: bool = field(default=False, compare=False)

    def take(self, new: Acknowledged, head: int) -> None:
        self.changed = False
        self._move(self.delivered, new.delivered, head)
        if self.newcomer and new.read.offset:
            self.newcomer, self.changed = False, True
            self.read = [Mark(max(self.read[0].offset, min(new.read.offset, head)), new.read.at)]
        self._move(self.read, new.read, head)

    def _move(self, moves: list[Mark], to: Mark, head: int) -> None:
        if (offset := min(to.offset, head)) > moves[0].offset:
            moves.insert(0, Mark(offset, to.at))
            del moves[KEPT:]
            self.changed = True


USERS, HEAD = ["u1", "u2", "u3"], 25
MESSAGES = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from([*USERS, "x"]), st.integers(0, HEAD + 2), st.integers(0, HEAD + 2)),
            max_size=3,
        ),
        st.integers(0, 9),
    ),
    max_size=4,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=st.lists(MESSAGES, max_size=8), crawl=st.booleans())
async def test_the_rows_are_what_the_algebra_says(
    pool: Pool, batches: list[list[tuple[list[tuple[str, int, int]], int]]], crawl: bool
) -> None:
    rooms = Rooms(pool, uuid.uuid4().hex)
    await rooms.do(*[join(user) for user in USERS], *[post("u1") for _ in range(HEAD - len(USERS))])
    since = {row["user"]: row["since"] for row in await stored(rooms)}
    model = {u: Row([Mark(n, since[u])], [Mark(n, since[u])]) for n, u in enumerate(USERS, 1)}
    if crawl:
        batches += [[([("u2", offset, offset - 3)], offset)] for offset in range(4, HEAD)]
    for batch in batches:
        taken = [message(at(second), *receipts) for receipts, second in batch]
        for row in model.values():
            row.changed = False
        for whose, new in gather(taken, LATER).acknowledged.items():
            if whose.user in model:
                model[whose.user].take(new, HEAD)
        moved = await rooms.moved(*taken, now=LATER)
        assert {user for user, _, _ in moved} == {user for user in USERS if model[user].changed}
        assert await rooms.write(*taken, now=LATER) == []
        assert {row["user"]: row_of(row) for row in await stored(rooms)} == {
            user: (row.delivered, row.read) for user, row in model.items()
        }


async def stored(rooms: Rooms) -> list[dict[str, Any]]:
    query = """
        select receipt.* from comments.receipts as receipt
        join comments.rooms as room on room.key = receipt.room where app = $1
    """
    return [dict(row) for row in await rooms.pool.fetch(query, rooms.app)]


def row_of(row: dict[str, Any]) -> tuple[list[Mark], list[Mark]]:
    delivered, read = (_moves(row, watermark) for watermark in ("delivered", "read"))
    return delivered, read


def _moves(row: dict[str, Any], watermark: str) -> list[Mark]:
    offsets, times = row[f"{watermark}_moves"], row[f"{watermark}_times"]
    if not offsets:
        return [Mark(row[watermark], row["since"])]
    assert offsets[0] == row[watermark]
    return [Mark(offset, time) for offset, time in zip(offsets, times, strict=True)]


# Several processes


async def test_replicas_that_write_at_once_neither_lose_nor_wait_for_each_other(rooms: Rooms) -> None:
    """Meanwhile members leave and come back, in whatever order. A deadlock is an error of one of them."""
    users, names = [f"u{number}" for number in range(20)], ["a", "b", "c"]
    await rooms.do(*[join(user, room) for room in names for user in users])
    await rooms.do(*[post(users[0], room) for room in names for _ in range(80)])
    chance = random.Random(4)

    async def replica(steps: Iterable[int]) -> None:
        for offset in steps:
            shuffled = chance.sample([(user, room) for room in names for user in users], 60)
            await rooms.write(
                *[message(NOW, (user, offset, offset - 1), room=room) for user, room in shuffled], now=LATER
            )

    async def come_and_go() -> None:
        for _ in range(10):
            away = [(user, room) for user in users[10:] for room in names]
            for command in (leave, join):
                chance.shuffle(away)
                await rooms.do(*[command(user, room) for user, room in away])

    async with asyncio.timeout(60):
        await asyncio.gather(replica(range(21, 100)), replica(range(22, 101)), come_and_go())
    for room in names:
        marks = await rooms.marks(room)
        assert {user: marks[user] for user in users[:10]} == dict.fromkeys(users[:10], (100, 99))
        assert set(marks) == set(users)


async def test_more_than_fits_a_statement_is_written_in_several(rooms: Rooms) -> None:
    members = ROWS + 1
    await rooms.fill("a", members)
    everybody = [(f"m{number:04}", 7, 5) for number in range(members)]
    assert await rooms.moved(message(NOW, *everybody), now=LATER) == everybody
    assert set((await rooms.marks()).values()) == {(7, 5)}


async def test_after_an_older_log_was_put_back_nobody_has_read_what_is_not_there(
    rooms: Rooms, pool: Pool, database_url: str
) -> None:
    await rooms.do(join("u1"), join("u2"), *[post() for _ in range(8)])
    for offset in (5, 9):
        await rooms.write(message(at(offset), ("u1", offset, offset - 1)), now=LATER)
    before = await rooms.epoch()
    await pool.execute("update comments.rooms set head = 6")
    epoch = await begin_epoch(database_url)
    assert await rooms.marks() == {"u1": (6, 6), "u2": (2, 2)}
    [row] = [row for row in await stored(rooms) if row["user"] == "u1"]
    assert row_of(row)[0][:2] == [Mark(6, at(9)), Mark(5, at(5))]
    assert row_of(row)[1][:2] == [Mark(6, at(9)), Mark(4, at(5))]
    assert await rooms.write(message(NOW, ("u2", 6, 6), epoch=before), now=LATER) == []
    assert len(await rooms.write(message(NOW, ("u2", 6, 6), epoch=epoch), now=LATER)) == 1
