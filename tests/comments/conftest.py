"""A database and a NATS connection for each test, and a Postgres that may be killed."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from contract.callers import SECRET, caller
from contract.own_postgres import OwnPostgres
from contract.recording import PATIENCE
from operated import Operated
from pydantic import SecretStr
from relays import Installation
from servers import OwnNats

from chassis import telemetry
from chassis.serving import serve as chassis_serve
from comments.database import Pool, connect
from comments.service import open_service
from comments.settings import Settings
from events.jetstream import Nats
from events.jetstream import connect as connect_nats
from parley_cli.datadir import DataDir

Serving = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]


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
async def owner(pool: Pool, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do what the service may not."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


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


@pytest.fixture
def settings(database_url: str, nats_url: str, app: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("PARLEY_")]:
        monkeypatch.delenv(name)
    return Settings(
        app_id=app,
        port=0,
        jwt_secret=SecretStr(SECRET),
        database_url=SecretStr(database_url),
        nats_url=nats_url,
        rate_limits="off",
        drain_seconds=0,
    )


async def first(listening: asyncio.Future[str], served: asyncio.Task[None]) -> str:
    """The URL once it listens; if it does not, what ended it is raised."""
    served.add_done_callback(lambda _: listening.cancel())
    try:
        return await listening
    except asyncio.CancelledError:
        await served
        raise


@pytest.fixture
def serving() -> Serving:
    """The service on a port of its own, and a client that calls it as the user `u1`."""

    @asynccontextmanager
    async def run(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        metrics, stop = telemetry.start("comments", {}), asyncio.Event()
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with (
            connect_nats(settings.nats_url, name="comments") as nats,
            open_service(settings, nats, metrics) as service,
        ):
            serve = chassis_serve(service, settings=settings, started=listening.set_result, stop=stop)
            served = asyncio.create_task(serve)
            url = await first(listening, served)
            async with httpx.AsyncClient(base_url=url, headers=caller(), timeout=PATIENCE) as client:
                yield client
            stop.set()
            await served
        metrics.close()

    return run


@pytest.fixture
async def api(settings: Settings, serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def installation(
    pool: Pool, database_url: str, own_nats: OwnNats, app: str
) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        yield Installation(pool, database_url, own_nats, app, stack)


@pytest.fixture
async def admin(own_nats: OwnNats) -> AsyncIterator[Nats]:
    """An operator's connection."""
    async with connect_nats(own_nats.url, name="admin") as nats:
        yield nats


@pytest.fixture
def operated(
    app: str, pool: Pool, owner: asyncpg.Connection, nats: Nats, database_url: str, nats_url: str
) -> Operated:
    return Operated(app, pool, owner, nats, database_url, nats_url)
