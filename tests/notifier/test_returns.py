"""Who comes back before their push is sent gets none, if they were given the comment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pushing import Core, Neighbours
from pushworld import ROOM, World

from chassis.database import Pool
from events import subjects
from events.presence import Joined, Person
from events.testing import MemoryNats
from notifier.returns import Returns


@pytest.fixture
async def world(pool: Pool) -> World:
    """Bob is owed a push that is not due for long."""
    world = World(pool)
    await world.room()
    await world.member("ada", "bob")
    await world.device("bob")
    return world


@asynccontextmanager
async def returns(world: World) -> AsyncIterator[tuple[Returns, Neighbours, MemoryNats]]:
    nats = MemoryNats()
    async with Neighbours(nats, world.app).serving() as neighbours:
        core = Core(world, nats)
        await world.comment()
        await core.deciding.decide_due()
        await world.pool.execute("update notifier.pushes set not_before = now() + interval '9 hours'")
        found = Returns(core.outbox, core.presences, nats, world.app)
        running = asyncio.create_task(found.run())
        yield found, neighbours, nats
        running.cancel()
        await asyncio.wait([running])


def joined(activity: str) -> bytes:
    return Joined(people=[Person(user="bob", activity=activity)], count=1).encode()


async def cancelled(world: World) -> None:
    while [row[2:] for row in await world.told()] != [("cancelled", "here")]:
        await asyncio.sleep(0.01)


async def test_who_joins_and_has_it_gets_no_push(world: World) -> None:
    async with returns(world) as (found, _, nats):
        await world.member("bob", delivered=1)
        await nats.send(subjects.presence(world.app, ROOM, "joined"), joined("active"))
        await cancelled(world)
        assert found.cancelled == 1


async def test_who_is_given_it_while_here_gets_no_push(world: World) -> None:
    async with returns(world) as (found, neighbours, _):
        neighbours.here["bob"] = "active"
        await world.member("bob", delivered=1)
        found.delivered([(ROOM, "bob")])
        await cancelled(world)


async def test_who_is_here_and_has_not_been_given_it_is_still_owed_it(world: World) -> None:
    """Whatever is heard before the last of these is done with when that one is."""
    await world.member("eve", delivered=2)
    await world.device("eve")
    async with returns(world) as (found, neighbours, nats):
        await nats.send(subjects.presence(world.app, ROOM, "joined"), joined("active"))
        await nats.send(subjects.presence(world.app, "other", "joined"), b"not JSON")
        await nats.send(subjects.presence(world.app, ROOM, "left"), b"{}")
        neighbours.here |= {"bob": "idle", "eve": "active"}
        found.delivered([(ROOM, "bob"), (ROOM, "eve")])
        while ("d-eve", 1, "cancelled", "here") not in (told := await world.told()):
            await asyncio.sleep(0.01)
        assert told[0] == ("d-bob", 1, "waiting", "push")
