"""Every implementation of each port."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract.outage import Outage, for_real, in_memory
from contract.ports import Nats

from comments.database import connect as connect_postgres
from comments.log import Log
from comments.postgres import PostgresLog
from comments.testing import MemoryLog
from events.jetstream import connect
from events.testing import MemoryNats


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


@pytest.fixture(params=[in_memory, for_real], ids=["memory", "jetstream"])
async def outage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Outage]:
    async with request.param(tmp_path / "nats") as outage:
        yield outage


@pytest.fixture(params=["memory", "postgres"])
async def log(request: pytest.FixtureRequest, app: str) -> AsyncIterator[Log]:
    if request.param == "memory":
        yield MemoryLog(app)
        return
    pool = await connect_postgres(request.getfixturevalue("database_url"), size=2, timeout=5)
    yield PostgresLog(pool, app)
    await pool.close()
