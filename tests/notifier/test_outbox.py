"""The outbox on Postgres: owed, claimed, settled, recovered."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pushworld import ROOM, World

from chassis.database import Pool
from notifier.model import PLATFORMS, Reason
from notifier.outbox import COUNTED, Outbox
from notifier.outbox_rows import Fate, Owed, Spared

HOUR = timedelta(hours=1)


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


@pytest.fixture
def outbox(world: World) -> Outbox:
    return Outbox(world.pool, world.app)


def owed(
    offset: int, user: str = "u1", device: str = "d1", *, later: float = 0, event: UUID | None = None
) -> Owed:
    now = datetime.now(UTC)
    return Owed(
        offset=offset, event=event or uuid4(), comment=uuid4(), user=user, device=device, platform="webpush",
        reason=Reason.PUSH, not_before=now + timedelta(seconds=later), expires_at=now + HOUR, stands_for=1,
        trace=None,
    )  # fmt: skip


def free(most: int) -> dict[str, int]:
    return dict.fromkeys(PLATFORMS, most)


async def test_a_push_is_claimed_once_however_many_want_it(outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1, device=f"d{number}") for number in range(50)], [], 0)
    claims = await asyncio.gather(*(outbox.claim(free(20), f"holder {number}", 10) for number in range(6)))
    ids = [row.id for rows in claims for row in rows]
    assert len(ids) == len(set(ids)) == 50


async def test_of_each_platform_as_many_are_claimed_as_it_has_room_for(outbox: Outbox) -> None:
    of = {"w": "webpush", "a": "apns", "f": "fcm"}
    rows = [replace(owed(1, device=f"{one}{n}"), platform=of[one]) for one in of for n in range(5)]
    await outbox.owe(ROOM, rows, [], 0)
    claimed = await outbox.claim({"apns": 3, "fcm": 9}, "me", 10)
    assert Counter(row.platform for row in claimed) == {"apns": 3, "fcm": 5}
    claimed = await outbox.claim(free(4), "me", 10)
    assert Counter(row.platform for row in claimed) == {"apns": 2, "webpush": 4}


async def test_of_what_one_stands_for_only_so_much_is_counted(outbox: Outbox) -> None:
    """Of somebody who never reads there are thousands."""
    for offset in range(1, COUNTED + 20):
        await outbox.owe(ROOM, [owed(offset)], [], 0)
    [row] = await outbox.claim(free(10), "me", 10)
    assert (row.offset, row.more) == (COUNTED + 19, COUNTED)


async def test_what_a_holder_does_not_know_of_is_given_back(outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1, device=f"d{number}") for number in range(3)], [], 0)
    known, *_ = await outbox.claim(free(10), "me", 10)
    assert await outbox.release("another", []) == 0
    assert await outbox.release("me", [known.id]) == 2
    again = await outbox.claim(free(10), "me", 10)
    assert [(row.attempts, row.unsure) for row in again] == [(1, False)] * 2


async def test_what_is_not_due_is_not_claimed(outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1, later=60)], [], 0)
    assert await outbox.claim(free(10), "me", 10) == []


async def test_deciding_the_same_again_changes_nothing(world: World, outbox: Outbox) -> None:
    push = owed(1)
    await outbox.owe(ROOM, [push], [Spared("u2", 1, 1, Reason.READ, None)], 0)
    [claimed] = await outbox.claim(free(10), "me", 10)
    await outbox.settle("me", [Fate(claimed.id, "sent")])
    await outbox.owe(ROOM, [push], [Spared("u2", 1, 1, Reason.READ, None)], 0)
    assert await world.told() == [("d1", 1, "sent", "push")]
    assert await world.spared() == [("u2", 1, 1, "read")]


async def test_a_later_comment_takes_the_place_of_one_that_waits(world: World, outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1, later=5), owed(1, "u2", "d2", later=5)], [], 0)
    await outbox.owe(ROOM, [owed(4)], [], 0)
    [claimed] = await outbox.claim(free(10), "me", 10)
    assert (claimed.offset, claimed.more) == (4, 1)
    assert await world.told() == [
        ("d1", 1, "cancelled", "collapsed"), ("d1", 4, "sending", "push"), ("d2", 1, "waiting", "push"),
    ]  # fmt: skip


async def test_between_two_notifications_about_a_room_is_the_interval(world: World, outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 60)
    [first] = await outbox.claim(free(10), "me", 10)
    await outbox.settle("me", [Fate(first.id, "sent")])
    await outbox.owe(ROOM, [owed(2)], [], 60)
    await outbox.owe("another", [owed(1)], [], 60)
    assert [row.room for row in await outbox.claim(free(10), "me", 10)] == ["another"]
    await outbox.owe(ROOM, [owed(3)], [], 60)
    await world.make_due()
    [last] = await outbox.claim(free(10), "me", 10)
    assert (last.offset, last.more) == (3, 2)


async def test_what_was_read_is_not_counted(world: World, outbox: Outbox) -> None:
    await world.room()
    await world.member("u1")
    for offset in (1, 2, 3):
        await outbox.owe(ROOM, [owed(offset)], [], 0)
        [row] = await outbox.claim(free(10), "me", 10)
        await outbox.settle("me", [Fate(row.id, "sent")])
    await world.member("u1", read=2)
    await outbox.owe(ROOM, [owed(4)], [], 0)
    [row] = await outbox.claim(free(10), "me", 10)
    assert row.more == 1


async def test_one_push_about_a_room_is_on_its_way_to_a_device(outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 0)
    [first] = await outbox.claim(free(10), "me", 10)
    await outbox.owe(ROOM, [owed(2)], [], 0)
    assert await outbox.claim(free(10), "another", 10) == []
    await outbox.settle("me", [Fate(first.id, "waiting", not_before=datetime.now(UTC))])
    rows = await outbox.claim(free(10), "another", 10)
    assert {(row.offset, row.superseded) for row in rows} == {(1, True), (2, False)}


async def test_whoever_lost_a_claim_does_not_settle_it(world: World, outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 0)
    [row] = await outbox.claim(free(10), "slow", 0)
    assert await outbox.recover(6) == 1
    assert await outbox.settle("slow", [Fate(row.id, "failed")]) == 0
    [again] = await outbox.claim(free(10), "quick", 10)
    assert (again.attempts, again.unsure) == (2, True)
    assert await outbox.settle("quick", [Fate(again.id, "sent", answer="ok")]) == 1
    assert await world.told() == [("d1", 1, "sent", "push")]


async def test_after_its_last_attempt_a_lost_push_stays_unknown(world: World, outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 0)
    await outbox.claim(free(10), "gone", 0)
    assert await outbox.recover(1) == 1
    assert await world.told() == [("d1", 1, "unknown", "push")]
    assert await outbox.claim(free(10), "me", 10) == []


async def test_attempts_that_were_answered_are_not_among_the_last_of_a_lost_push(
    world: World, outbox: Outbox
) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 0)
    for _ in range(4):
        [row] = await outbox.claim(free(10), "me", 10)
        await outbox.settle("me", [Fate(row.id, "waiting", answer="503", not_before=datetime.now(UTC))])
    await outbox.claim(free(10), "gone", 0)
    assert await outbox.recover(2) == 1
    assert await world.told() == [("d1", 1, "waiting", "push")]
    [row] = await outbox.claim(free(10), "me", 0)
    assert (row.attempts, row.unanswered) == (6, 1)
    assert await outbox.recover(2) == 1
    assert await world.told() == [("d1", 1, "unknown", "push")]


async def test_a_claim_that_lasts_is_not_recovered(outbox: Outbox) -> None:
    await outbox.owe(ROOM, [owed(1)], [], 0)
    await outbox.claim(free(10), "me", 60)
    assert await outbox.recover(6) == 0


async def test_who_returns_is_pushed_nothing_that_was_delivered(world: World, outbox: Outbox) -> None:
    await world.room()
    await world.member("u1", delivered=2)
    await world.member("u2", delivered=2)
    await outbox.owe(
        ROOM, [owed(2, later=60), owed(3, device="d3", later=60), owed(2, "u2", "d2", later=60)], [], 0
    )
    assert await outbox.returned([(ROOM, "u1")]) == 1
    assert await world.told() == [
        ("d1", 2, "cancelled", "here"), ("d3", 3, "waiting", "push"), ("d2", 2, "waiting", "push"),
    ]  # fmt: skip


async def test_it_is_known_how_much_is_overdue(world: World, outbox: Outbox) -> None:
    assert await outbox.overdue() == (0, 0)
    await outbox.owe(ROOM, [owed(1, later=-10), owed(1, device="d2", later=10)], [], 0)
    due, seconds = await outbox.overdue()
    assert due == 1
    assert seconds >= 10


async def test_apps_do_not_touch_each_other(world: World, outbox: Outbox) -> None:
    push = owed(1)
    other = Outbox(world.pool, "other")
    await outbox.owe(ROOM, [push], [], 0)
    await other.owe(ROOM, [push], [], 0)
    [row] = await other.claim(free(10), "me", 0)
    assert await outbox.settle("me", [Fate(row.id, "sent")]) == 0
    assert await outbox.recover(6) == 0
    assert await world.told() == [("d1", 1, "waiting", "push")]
