"""Every implementation of each port."""

import uuid
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from comments.database import connect as connect_postgres
from comments.log import Log
from comments.postgres import PostgresLog
from comments.testing import MemoryLog
from events import Contents, Stream, Wire
from events.jetstream import connect
from events.testing import MemoryNats


class Nats(Stream, Wire, Protocol):
    """All ports in one object."""

    def contents(self) -> Contents: ...


@pytest.fixture
def app() -> str:
    """An installation of this test alone: NATS is shared."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["memory", "jetstream"])
async def nats(request: pytest.FixtureRequest) -> AsyncIterator[Nats]:
    if request.param == "memory":
        yield MemoryNats()
        return
    async with connect(request.getfixturevalue("nats_url"), name="contract") as real:
        await real.ensure_stream()
        yield real


@pytest.fixture(params=["memory", "postgres"])
async def log(request: pytest.FixtureRequest, app: str) -> AsyncIterator[Log]:
    if request.param == "memory":
        yield MemoryLog(app)
        return
    pool = await connect_postgres(request.getfixturevalue("database_url"), size=2, timeout=5)
    yield PostgresLog(pool, app)
    await pool.close()
