"""A database and a NATS connection for each test, and a Postgres that may be killed."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract.own_postgres import OwnPostgres

from comments.database import Pool, connect
from events.jetstream import Nats
from events.jetstream import connect as connect_nats
from parley_cli.datadir import DataDir


@pytest.fixture
def app() -> str:
    """An installation of this test alone: NATS is shared."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await connect(database_url, size=4, timeout=5)
    yield pool
    await pool.close()


@pytest.fixture
async def nats(nats_url: str) -> AsyncIterator[Nats]:
    async with connect_nats(nats_url, name="test") as nats:
        await nats.ensure_stream()
        yield nats


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[OwnPostgres]:
    """A PostgreSQL of this test alone."""
    with DataDir(tmp_path / "own-postgres") as datadir:
        server = OwnPostgres(datadir)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
