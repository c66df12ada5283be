"""Who is owed a push for which comment: the rules applied to rooms, people and devices in Postgres."""

import asyncio

import pytest
from pushing import Core, Neighbours
from pushworld import ROOM, World

from events.testing import MemoryNats
from notifier.model import Reason


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
