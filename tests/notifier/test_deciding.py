"""Who is owed a push for which comment: the rules applied to rooms, people and devices in Postgres."""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pushing import Core, Neighbours
from pushworld import ROOM, World

from events.testing import MemoryNats
from notifier import deciding
from notifier.model import Decision, Reason
from notifier.outbox import Outbox
from notifier.outbox_rows import Owed, Spared
from notifier.rules import decide


@pytest.fixture
async def world(world: World) -> World:
    await world.room()
    await world.member("ada", "bob", "eve")
    await world.device("bob")
    return world


async def test_a_member_with_a_device_is_owed_a_push_and_the_author_is_not(world: World, core: Core) -> None:
    await world.device("ada")
    await world.comment(author="ada")
    assert await core.deciding.decide_due() == 1
    assert await world.told() == [("d-bob", 1, "waiting", "push")]
    assert await world.spared() == []


async def test_a_comment_is_decided_once(world: World, core: Core) -> None:
    await world.comment()
    assert await core.deciding.decide_due() == 1
    assert await core.deciding.decide_due() == 0


async def test_every_device_gets_its_own(world: World, core: Core) -> None:
    await world.device("bob", "phone", "fcm")
    await world.comment()
    await core.deciding.decide_due()
    assert await world.told() == [("d-bob", 1, "waiting", "push"), ("phone", 1, "waiting", "push")]


async def test_of_several_due_comments_the_newest_is_pushed_and_stands_for_all(
    world: World, core: Core
) -> None:
    for number in range(5):
        await world.comment(f"number {number}")
    await core.deciding.decide_due()
    [push] = await world.pushes()
    assert (push["offset"], push["stands_for"]) == (5, 5)
    assert await world.spared() == [("bob", 1, 4, "collapsed")]


async def test_who_is_here_active_and_was_delivered_it_gets_none(
    world: World, core: Core, neighbours: Neighbours
) -> None:
    await world.comment()
    await world.member("bob", delivered=1)
    neighbours.here["bob"] = "active"
    await core.deciding.decide_due()
    assert await world.told() == []
    assert await world.spared() == [("bob", 1, 1, "here")]


@pytest.mark.parametrize(
    ("delivered", "activity"), [(0, "active"), (1, "idle"), (1, None)], ids=["unacknowledged", "idle", "gone"]
)
async def test_a_socket_that_says_nothing_and_a_person_who_looks_away_are_not_here(
    world: World, core: Core, neighbours: Neighbours, delivered: int, activity: str | None
) -> None:
    await world.comment()
    await world.member("bob", delivered=delivered)
    if activity is not None:
        neighbours.here["bob"] = activity
    await core.deciding.decide_due()
    assert await world.told() == [("d-bob", 1, "waiting", "push")]


async def test_if_nobody_says_who_is_here_a_push_is_owed(world: World) -> None:
    core = Core(world, MemoryNats())
    await world.comment()
    await world.member("bob", delivered=1)
    await core.deciding.decide_due()
    assert await world.told() == [("d-bob", 1, "waiting", "push")]
    assert core.presences.unanswered == 1


async def test_what_was_read_is_not_pushed(world: World, core: Core) -> None:
    await world.comment()
    await world.comment()
    await world.member("bob", delivered=2, read=1)
    await core.deciding.decide_due()
    assert [push["offset"] for push in await world.pushes()] == [2]
    assert await world.spared() == [("bob", 1, 1, "read")]


async def test_a_platform_that_is_off_gets_none_and_the_reason_is_kept(
    world: World, neighbours: Neighbours
) -> None:
    core = Core(world, neighbours.nats, on=["apns"])
    await world.comment()
    await core.deciding.decide_due()
    assert await world.told() == []
    assert await world.spared() == [("bob", 1, 1, "platform_off")]


async def test_reasons_are_kept_as_ranges(world: World, core: Core) -> None:
    await world.pool.execute(
        'insert into notifier.preferences (app, "user", room, level, preview, muted_users) '
        "values ($1, 'bob', '', 'mentions', true, '{}')",
        world.app,
    )
    for number in range(6):
        await world.comment(mentions=["bob"] if number == 3 else [])
    await core.deciding.decide_due()
    assert [(push["offset"], push["stands_for"]) for push in await world.pushes()] == [(4, 1)]
    assert await world.spared() == [("bob", 1, 3, "not_mentioned"), ("bob", 5, 6, "not_mentioned")]
    assert core.deciding.reasons == {Reason.NOT_MENTIONED: 5, Reason.PUSH: 1}


async def test_a_large_room_is_decided_in_pages(world: World, core: Core) -> None:
    many = [f"u{number:04}" for number in range(2_100)]
    await world.member(*many)
    await world.pool.execute(
        'insert into notifier.devices (app, id, "user", platform, address) '
        "select $1, 'd-' || u, u, 'fcm', u from unnest($2::text[]) as u",
        world.app, many,
    )  # fmt: skip
    await world.comment()
    await core.deciding.decide_due()
    assert [push["user"] for push in await world.pushes()] == ["bob", *many]


async def test_replicas_decide_a_comment_once(world: World, neighbours: Neighbours) -> None:
    cores = [Core(world, neighbours.nats) for _ in range(4)]
    for _ in range(40):
        await world.comment()
    counts = await asyncio.gather(*(core.deciding.decide_due() for core in cores))
    assert sum(counts) == 40
    await cores[0].send_due()
    assert [(push.offset, push.more) for push in cores[0].pushes] == [(40, 39)]


async def test_rooms_are_decided_apart(world: World, core: Core) -> None:
    await world.room("other")
    await world.member("bob", room="other")
    await world.comment()
    await world.comment(room="other")
    await core.deciding.decide_due()
    assert sorted((push["room"], push["offset"]) for push in await world.pushes()) == [
        (ROOM, 1),
        ("other", 2),
    ]


async def crowd(world: World, members: int, comments: int) -> None:
    """So many with a device, "bob" among them."""
    many = [f"u{number:04}" for number in range(members - 1)]
    await world.member(*many)
    await world.pool.execute(
        'insert into notifier.devices (app, id, "user", platform, address) '
        "select $1, 'd-' || u, u, 'fcm', u from unnest($2::text[]) as u",
        world.app, many,
    )  # fmt: skip
    for _ in range(comments):
        await world.comment()


async def leases(world: World) -> list[datetime]:
    """When comments that are not decided are due."""
    rows = await world.pool.fetch("select distinct look_at from notifier.comments where look_at is not null")
    return [row["look_at"] for row in rows]


def before_pages(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[object]]) -> None:
    """It happens before what was decided of each page is written down."""
    owe = Outbox.owe

    async def late(
        outbox: Outbox, room: str, owed: Sequence[Owed], spared: Sequence[Spared], interval: float
    ) -> None:
        await happens()
        await owe(outbox, room, owed, spared, interval)

    monkeypatch.setattr(Outbox, "owe", late)


async def test_what_takes_longer_than_the_lease_is_decided_once(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "LEASE_SECONDS", 0.0)
    await crowd(world, members=60, comments=100)
    assert await core.deciding.decide_due() == 100
    assert await leases(world) == []
    assert {(push["offset"], push["stands_for"]) for push in await world.pushes()} == {(100, 100)}
    assert len(await world.pushes()) == 60


async def test_the_lease_of_a_batch_is_renewed_for_each_page_that_is_late(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "RENEWALS", math.inf)
    await world.room("other")
    await world.member("bob", room="other")
    await crowd(world, members=60, comments=100)
    await world.comment(room="other")
    seen: list[list[datetime]] = []

    async def look() -> None:
        seen.append(await leases(world))

    before_pages(monkeypatch, look)
    await core.deciding.decide_due()
    assert [len(ends) for ends in seen] == [1, 1, 1]
    assert sorted(seen) == seen
    assert len({*itertools.chain(*seen)}) == 3
    assert await leases(world) == []


async def test_what_was_taken_by_another_meanwhile_is_left_to_it(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.comment()
    theirs = datetime(2100, 1, 1, tzinfo=UTC)

    async def take() -> None:
        await world.pool.execute("update notifier.comments set look_at = $1", theirs)

    monkeypatch.setattr(deciding, "RENEWALS", math.inf)
    before_pages(monkeypatch, take)
    await core.deciding.decide_due()
    assert await leases(world) == [theirs]


async def test_others_have_their_turn_while_a_backlog_is_decided(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd(world, members=60, comments=100)
    turns, pairs = itertools.count(), Counter[int]()
    turn = next(turns)

    async def take_turns() -> None:
        nonlocal turn
        while True:
            turn = next(turns)
            await asyncio.sleep(0)

    def counted(*args: Any, **kwargs: Any) -> Decision:
        pairs[turn] += 1
        return decide(*args, **kwargs)

    monkeypatch.setattr(deciding, "decide", counted)
    async with asyncio.TaskGroup() as group:
        other = group.create_task(take_turns())
        await core.deciding.decide_due()
        other.cancel()
    assert list(pairs.values()) == [5_000, 1_000]
