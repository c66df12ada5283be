"""A migrated database for the notifier, and its HTTP API."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from contract.own_postgres import OwnPostgres
from notified import answering
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pushing import Core, Neighbours
from pushworld import World

from chassis.database import Pool
from chassis.telemetry import start
from events.testing import MemoryNats
from notifier.database import connect
from parley_cli.datadir import DataDir


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await connect(database_url, size=5, timeout=5)
    yield pool
    await pool.close()


@pytest.fixture
async def owner(pool: Pool, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do what the service may not."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


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


@pytest.fixture
def world(pool: Pool) -> World:
    """What the tables of the app `test` have."""
    return World(pool)


@pytest.fixture
async def neighbours(world: World) -> AsyncIterator[Neighbours]:
    async with Neighbours(MemoryNats(), world.app).serving() as neighbours:
        yield neighbours


@pytest.fixture
def core(world: World, neighbours: Neighbours) -> Core:
    return Core(world, neighbours.nats)


@pytest.fixture
async def api(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as the user `u1`; APNs and Web Push are on, FCM is off."""
    for name in [name for name in os.environ if name.startswith("PARLEY_")]:
        monkeypatch.delenv(name)
    async with answering(pool) as client:
        yield client


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry = start("notifier", {}, spans=exporter)
    yield exporter
    telemetry.close()
