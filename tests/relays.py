"""Relays over a log and a stream of their own, and what can befall the stream."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from servers import OwnNats
from streamlog import log_of, quiet, stream_of

from comments.commands import PostComment
from comments.database import Pool
from comments.ids import uuid7
from comments.log import Outcome
from comments.partitions import Partitions
from comments.postgres import PostgresLog
from comments.relay import Relay
from comments.upkeep import Upkeep
from events import Record, subjects
from events.jetstream import Nats, connect

ROOMS = [f"room-{number}" for number in range(20)]


class Installation:
    """Relays over a log and a stream of their own."""

    def __init__(self, pool: Pool, url: str, server: OwnNats, app: str, stack: AsyncExitStack) -> None:
        self.pool, self.app, self.server = pool, app, server
        self.url = url
        self._stack = stack
        self._log = PostgresLog(pool, app)
        self._stops: dict[Relay, Callable[[], Awaitable[None]]] = {}
        self.relays: list[Relay] = []

    async def start(self, sweep: float = 0.1) -> Relay:
        """One more process."""
        nats = await self._stack.enter_async_context(connect(self.server.url, name="relay"))
        partitions = Partitions(self.url)
        relay = Relay(self.pool, partitions, nats, nats, Upkeep(self.pool, nats.contents()), sweep=sweep)
        task = asyncio.create_task(relay.run())

        async def stop() -> None:
            task.cancel()
            await asyncio.wait([task])
            await partitions.close()
            assert task.cancelled(), task.exception()

        self._stops[relay] = stop
        self._stack.push_async_callback(stop)
        self.relays.append(relay)
        return relay

    async def crash(self, relay: Relay) -> None:
        """It ends where it is, and its connection with it."""
        self.relays.remove(relay)
        await self._stops[relay]()

    async def post(self, *rooms: str, by: int = 0) -> None:
        commands = [PostComment(room=room, actor="u1", comment=uuid7(), body="x") for room in rooms]
        outcomes = await self._log.append(commands)
        stored = [one.stored for one in outcomes if isinstance(one, Outcome) and one.stored]
        if self.relays:
            self.relays[by % len(self.relays)].committed(stored)

    async def equal(self) -> None:
        """Wait until the stream has what the log has, no more, no less, in that order."""
        async with asyncio.timeout(30):
            while await stream_of(self.server.url, self.app) != await log_of(self.pool, self.app):
                await asyncio.sleep(0.05)
        await quiet(self.pool)
        assert await stream_of(self.server.url, self.app) == await log_of(self.pool, self.app)


@asynccontextmanager
async def posting(installation: Installation) -> AsyncIterator[None]:
    """Posts go on, by all processes in turn."""

    async def post() -> None:
        for number in itertools.count():
            await installation.post(*ROOMS[number % 5 :: 5], by=number)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(post())
    yield
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled(), task.exception()


async def delete(admin: Nats) -> None:
    await admin._client.jsm().delete_stream(subjects.STREAM)


async def purge(admin: Nats) -> None:
    await admin._client.jsm().purge_stream(subjects.STREAM)


async def empty(admin: Nats) -> None:
    """Deleted, and made again by somebody else before any relay looks."""
    await delete(admin)
    await admin.ensure_stream()


async def republish(admin: Nats, app: str, room: str, epoch: str, *offsets: int) -> None:
    """As somebody does who should not."""
    for offset in offsets:
        record = Record(app, room, epoch, offset, uuid7(), "comment.posted", "", b"{}", refill=9_000_000)
        await (await admin.publish(record))


def store(server: OwnNats) -> Path:
    """JetStream's directory."""
    [found] = server._datadir.path.rglob("store")
    return found
