"""A connection whose server goes away and comes back: in memory, and a NATS that is killed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.ports import Nats
from servers import OwnNats

from events.jetstream import connect
from events.testing import MemoryNats
from parley_cli.datadir import DataDir


@dataclass
class Outage:
    """A connection whose server can be taken away and brought back."""

    nats: Nats
    begin: Callable[[], Awaitable[None]]
    end: Callable[[], Awaitable[None]]


@asynccontextmanager
async def in_memory(_: Path) -> AsyncIterator[Outage]:
    memory = MemoryNats()

    async def begin() -> None:
        memory.go_away()
        memory.leases().remove()  # which are in the memory of the server

    async def end() -> None:
        memory.come_back()

    yield Outage(memory, begin, end)


@asynccontextmanager
async def for_real(directory: Path) -> AsyncIterator[Outage]:
    with DataDir(directory) as datadir:
        server = OwnNats(datadir)
        await server.start()
        try:
            async with connect(server.url, name="outage") as real:
                await real.ensure_stream()
                yield Outage(real, server.kill, server.start)
        finally:
            await server.stop()
