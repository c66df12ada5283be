"""A replica that is killed: nothing that was acknowledged is missing, repeated or out of order."""

import asyncio
import random
import uuid
from contextlib import AsyncExitStack

import pytest
from processes import Process, cluster, token
from servers import OwnNats

from parley import Backoff, Client, Event, Subscription

SOON = Backoff(first=0.05, cap=0.2)
PATIENCE = 60
"""Seconds after which something that was to come is missing."""


def client(process: Process) -> Client:
    return Client(process.url, token(), backoff=SOON)


class Watcher:
    """Collects a room's events until the last post."""

    def __init__(self, client: Client, room: str) -> None:
        self.subscription: Subscription = client.subscribe(room)
        self.events: list[Event] = []

    async def watch(self, last: "asyncio.Future[int]") -> None:
        while not last.done() or not self.events or self.events[-1].offset < last.result():
            event = await anext(self.subscription)
            assert isinstance(event, Event)
            self.events.append(event)


async def post_until(client: Client, room: str, enough: asyncio.Event, acknowledged: dict[str, int]) -> None:
    """Post, one after the other, and note what the server says that it has."""
    while not enough.is_set():
        comment = await client.post(room, f"text {random.random()}")
        acknowledged[comment["id"]] = comment["offset"]


async def kill_and_restart(process: Process, acknowledged: dict[str, int]) -> None:
    """In the middle of posts: some are acknowledged before, while it is down, and after."""
    await grow(acknowledged)
    await asyncio.to_thread(process.kill)
    await grow(acknowledged)
    process.start()
    await asyncio.to_thread(process.ready)
    await grow(acknowledged)


async def grow(acknowledged: dict[str, int], by: int = 50) -> None:
    enough = len(acknowledged) + by
    async with asyncio.timeout(PATIENCE):
        while len(acknowledged) < enough:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("victim", ["comments", "fanout"])
async def test_a_killed_replica_loses_nothing(database_url: str, own_nats: OwnNats, victim: str) -> None:
    room, acknowledged, enough = uuid.uuid4().hex, dict[str, int](), asyncio.Event()
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        services = stack.enter_context(cluster(database_url, own_nats.url, comments=2, fanouts=2))
        killed = services.comments[0] if victim == "comments" else services.fanouts[0]
        posters = [await stack.enter_async_context(client(each)) for each in services.comments * 2]
        clients = [await stack.enter_async_context(client(each)) for each in services.fanouts * 2]
        watchers = [Watcher(each, room) for each in clients]
        await asyncio.gather(*(watcher.subscription.ready() for watcher in watchers))
        async with asyncio.TaskGroup() as tasks:
            posting = [tasks.create_task(post_until(each, room, enough, acknowledged)) for each in posters]
            watching = [tasks.create_task(watcher.watch(last)) for watcher in watchers]
            await kill_and_restart(killed, acknowledged)
            enough.set()
            await asyncio.wait(posting)
            end = await posters[1].post(room, "the end")
            acknowledged[end["id"]] = end["offset"]
            last.set_result(end["offset"])
            await asyncio.wait(watching, timeout=PATIENCE)
            for task in watching:
                task.cancel()
    for watcher in watchers:
        assert [event.offset for event in watcher.events] == list(range(1, end["offset"] + 1))
        seen = {event.data["comment"]: event.offset for event in watcher.events}
        assert len(seen) == end["offset"]
        assert seen.items() >= acknowledged.items()
    assert all(watcher.events == watchers[0].events for watcher in watchers)
