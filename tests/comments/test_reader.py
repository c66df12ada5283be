"""Pages of the log and of its projections."""

import time
from typing import Any

import pytest

from comments.commands import DeleteComment, EditComment, Join, PostComment, SetAttributes
from comments.database import Pool
from comments.ids import uuid7
from comments.postgres import PostgresLog
from comments.reader import _VERSIONS, PAGE_BYTES, Reader
from events import decode


def post(body: str = "x", room: str = "a") -> PostComment:
    return PostComment(room=room, actor="u1", comment=uuid7(), body=body)


@pytest.fixture
def reader(pool: Pool) -> Reader:
    return Reader(pool, "app")


@pytest.fixture
def log(pool: Pool) -> PostgresLog:
    return PostgresLog(pool, "app")


async def test_pages_in_both_directions_are_in_offset_order(reader: Reader, log: PostgresLog) -> None:
    await log.append([Join(room="a", actor="u1", user="u1"), *(post() for _ in range(9))])
    place = await reader.place("a")
    assert [one.offset for one in await reader.newest("a", place, None, 3)] == [8, 9, 10]
    assert [one.offset for one in await reader.newest("a", place, 8, 3)] == [5, 6, 7]
    assert [one.offset for one in await reader.newest("a", place, 3, 3)] == [2]
    assert await reader.newest("a", place, 0, 3) == []
    assert [one.offset for one in await reader.following("a", place, 0, 3)] == [2, 3, 4]
    assert [one.offset for one in await reader.following("a", place, 9, 3)] == [10]


async def test_a_room_where_nothing_happened_has_an_epoch_and_no_events(
    reader: Reader, log: PostgresLog
) -> None:
    await log.append([post(room="other")])
    place, other = await reader.place("a"), await reader.place("other")
    assert (place.key, place.head, place.epoch) == (None, 0, other.epoch)
    assert (await reader.events("a", 0, 100)).events == []
    assert await reader.newest("a", place, None, 10) == []


async def test_a_replay_page_follows_an_offset(reader: Reader, log: PostgresLog) -> None:
    await log.append([post() for _ in range(10)])
    page = await reader.events("a", 3, 4)
    assert (page.head, page.first) == (10, 4)
    assert [decode(event).offset for event in page.events] == [4, 5, 6, 7]
    assert (await reader.events("a", 10, 4)).events == []
    assert (await reader.events("a", 99, 4)).head == 10
    assert (await reader.events("a", 0, 0)).events == []


async def test_a_replay_page_is_bounded_in_bytes(reader: Reader, log: PostgresLog) -> None:
    """A character of an emoji is 4 bytes."""
    await log.append([post("👋" * 10_000) for _ in range(30)])
    page = await reader.events("a", 0, 1000)
    assert PAGE_BYTES * 0.9 < len(page.encode()) < PAGE_BYTES * 1.01
    assert [decode(event).offset for event in page.events] == list(range(1, len(page.events) + 1))


async def test_an_event_larger_than_a_page_is_a_page(reader: Reader, log: PostgresLog) -> None:
    await log.append([post("👋" * 200_000), post()])
    page = await reader.events("a", 0, 1000)
    assert len(page.events) == 1


async def test_rooms_of_another_app_are_other_rooms(pool: Pool, log: PostgresLog) -> None:
    command = post()
    await log.append([command])
    other = Reader(pool, "other")
    assert (await other.place("a")).key is None
    assert await other.comment(command.comment) is None
    assert await other.rooms_of("u1", "", 10) == []


async def test_every_version_of_a_comment_is_kept(reader: Reader, log: PostgresLog) -> None:
    command = post("one")
    await log.append(
        [command, post(), EditComment(**_change(command), moderator=False, changes={"body": "two"})]
    )
    await log.append([DeleteComment(**_change(command), moderator=False), post()])
    found = await reader.comment(command.comment)
    assert found is not None
    assert [(each.offset, each.body) for each in await reader.versions(found)] == [
        (1, "one"),
        (3, "two"),
        (4, None),
    ]


def _change(command: PostComment) -> dict[str, Any]:
    return {"room": command.room, "actor": command.actor, "comment": command.comment}


async def test_history_does_not_read_the_whole_room(pool: Pool, reader: Reader, log: PostgresLog) -> None:
    for _ in range(20):
        await log.append([post() for _ in range(250)])
    rows = await pool.fetch("explain (format json) " + _VERSIONS, "app", "a", 1, str(uuid7()))
    assert "events_that_change_a_comment" in rows[0][0]
    assert "Filter" not in rows[0][0]


async def test_rooms_of_a_member_come_in_pages(reader: Reader, log: PostgresLog) -> None:
    await log.append([post(room=f"room-{n}") for n in range(5)])
    await log.append([SetAttributes(room="room-0", actor="u1", attributes={"n": 1})])
    first = await reader.rooms_of("u1", "", 2)
    assert [(room.id, room.attributes) for room in first] == [("room-0", {"n": 1}), ("room-1", {})]
    assert [room.id for room in await reader.rooms_of("u1", "room-1", 9)] == ["room-2", "room-3", "room-4"]


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = []
    for _ in range(5):
        ids.append(uuid7())
        end = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == end:
            pass
    assert ids == sorted(ids)
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}


def test_ids_never_repeat() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
