"""A client of a server that fails on command."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from client.faulty_server import FaultyServer

from parley import Backoff, Client

AT_ONCE = Backoff(first=0.001, cap=0.01)


@dataclass(frozen=True)
class Recorded(Backoff):
    """Waits next to nothing, and remembers for how long it should have."""

    first: float = AT_ONCE.first
    cap: float = AT_ONCE.cap
    waits: list[tuple[int, float]] = field(default_factory=list)
    """The attempt, and the seconds that the server asked for."""

    def again(self, attempt: int, random: float, after: float) -> float:
        self.waits.append((attempt, after))
        return self.delay(attempt, random)


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer.start() as server:
        yield server


@pytest.fixture
async def client(server: FaultyServer) -> AsyncIterator[Client]:
    async with Client(server.url, "a-token", backlog=10, backoff=AT_ONCE) as client:
        yield client
