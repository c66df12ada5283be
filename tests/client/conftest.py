"""A client of a server that fails on command."""

from collections.abc import AsyncIterator

import pytest
from client.faulty_server import FaultyServer

from parley import Backoff, Client

AT_ONCE = Backoff(first=0.001, cap=0.01)


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer.start() as server:
        yield server


@pytest.fixture
async def client(server: FaultyServer) -> AsyncIterator[Client]:
    async with Client(server.url, "a-token", backlog=10, backoff=AT_ONCE) as client:
        yield client
