"""The SDK and the real services, while parts of them stop, are away, or withdraw rights."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from anyio.from_thread import BlockingPortal
from client.reading import take
from front import Front
from processes import Process, cluster, token
from servers import OwnNats, database

from parley import Client, Refused
from parley_cli import embedded
from parley_cli.datadir import DataDir

TTL = 4
"""Seconds that a token lasts: the server warns at half of them."""


@dataclass
class Installation:
    url: str
    nats: OwnNats
    fanouts: list[Process]
    portal: BlockingPortal

    async def do(self, work: Callable[[], Awaitable[None]]) -> None:
        """On the loop of the servers."""
        await asyncio.to_thread(self.portal.call, work)


@pytest.fixture(scope="module")
def installation(
    servers_portal: BlockingPortal,
    postgres_server: embedded.Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    wrap = servers_portal.wrap_async_context_manager
    with ExitStack() as stack:
        nats = OwnNats(stack.enter_context(DataDir(tmp_path_factory.mktemp("sdk-nats"))))
        servers_portal.call(nats.start)
        stack.callback(servers_portal.call, nats.stop)
        url = stack.enter_context(wrap(database(postgres_server)))
        services = stack.enter_context(cluster(url, nats.url, fanouts=2))
        ports = [fanout.port for fanout in services.fanouts]
        front = stack.enter_context(wrap(Front.start(services.comments[0].port, ports)))
        yield Installation(front.url, nats, services.fanouts, servers_portal)


async def test_servers_that_are_replaced_lose_and_repeat_nothing(installation: Installation) -> None:
    async with Client(installation.url, token()) as client, client.subscribe("drain") as room:
        expected = 0
        for fanout in installation.fanouts:
            stopping = asyncio.create_task(asyncio.to_thread(fanout.stop))
            for _ in range(5):
                await client.post("drain", "hello")
            await stopping
            await client.post("drain", "hello")
            assert await take(room, 6) == list(range(expected + 1, expected + 7))
            expected += 6
            fanout.start()
            await asyncio.to_thread(fanout.ready)


async def test_what_happens_while_live_events_are_away_is_there_when_they_are_restored(
    installation: Installation,
) -> None:
    said: asyncio.Queue[bool] = asyncio.Queue()
    client = Client(installation.url, token(), on_degraded=said.put_nowait)
    async with client, client.subscribe("degraded") as room:
        await client.post("degraded", "before")
        assert await take(room, 1) == [1]
        await installation.do(installation.nats.kill)
        assert await said.get()
        for _ in range(3):
            await client.post("degraded", "meanwhile")
        assert room.unread == 0
        await installation.do(installation.nats.start)
        assert not await said.get()
        assert await take(room, 3) == [2, 3, 4]


def short_lived(url: str, *rooms: dict[str, str]) -> tuple[Client, asyncio.Queue[int]]:
    """A client whose tokens last a few seconds, for these rooms one after the other; and their numbers."""
    given: asyncio.Queue[int] = asyncio.Queue()
    numbers = itertools.count()

    async def fresh() -> str:
        number = next(numbers)
        given.put_nowait(number)
        return token(ttl=TTL, **rooms[min(number, len(rooms) - 1)])

    return Client(url, fresh), given


async def test_a_connection_outlives_its_tokens(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "parley")
    client, given = short_lived(installation.url, {"*": "rw"})
    async with client, client.subscribe("tokens") as room:
        while await given.get() < 3:
            pass
        await client.post("tokens", "hello")
        assert await take(room, 1) == [1]
    assert [record.message for record in caplog.records if record.name == "parley"] == []


async def test_a_right_that_a_new_token_lacks_ends_its_room_alone(installation: Installation) -> None:
    client, _ = short_lived(installation.url, {"lobby": "rw", "vault": "r"}, {"lobby": "rw"})
    async with client, client.subscribe("lobby") as lobby, client.subscribe("vault") as vault:
        with pytest.raises(Refused, match="forbidden"):
            await anext(vault)
        await client.post("lobby", "hello")
        assert await take(lobby, 1) == [1]
