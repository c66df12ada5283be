"""Real servers for tests: one PostgreSQL and one NATS per run, on ports and in a directory of their own.

`pytest_plugins = ["servers"]` in a conftest brings the fixtures.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from parley_cli import embedded
from parley_cli.datadir import DataDir
from parley_cli.embedded.privileges import Privileges

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers_portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread that outlives every test: servers end with the thread that started them."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def servers_datadir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    with DataDir(tmp_path_factory.mktemp("servers")) as datadir:
        yield datadir


@pytest.fixture(scope="session")
def postgres_server(servers_portal: BlockingPortal, servers_datadir: DataDir) -> Iterator[embedded.Postgres]:
    """The run's PostgreSQL. Roles belong to the whole server: give a test's own roles a name of their own."""
    with servers_portal.wrap_async_context_manager(embedded.postgres(servers_datadir)) as server:
        yield server


@pytest.fixture(scope="session")
def nats_server(servers_portal: BlockingPortal, servers_datadir: DataDir) -> Iterator[embedded.Nats]:
    """The run's NATS. Streams belong to the whole server: isolate by app id, or take `own_nats`."""
    with servers_portal.wrap_async_context_manager(embedded.nats(servers_datadir)) as server:
        yield server


@pytest.fixture
def database_url(servers_portal: BlockingPortal, postgres_server: embedded.Postgres) -> Iterator[str]:
    """A new empty database, as superuser; dropped afterwards with whoever is still connected."""
    with servers_portal.wrap_async_context_manager(database(postgres_server)) as url:
        yield url


@pytest.fixture
def nats_url(nats_server: embedded.Nats) -> str:
    """The shared NATS, with credentials."""
    return nats_server.full_url


@pytest.fixture
async def own_nats(tmp_path: Path) -> AsyncIterator["OwnNats"]:
    """A NATS of this test alone, which the test may kill and start again."""
    with DataDir(tmp_path / "own-nats") as datadir:
        server = OwnNats(datadir)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@asynccontextmanager
async def database(server: embedded.Postgres) -> AsyncIterator[str]:
    """A new empty database on the server; its URL, as superuser."""
    name = f"test_{next(_numbers)}_{uuid.uuid4().hex[:8]}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield server.url(database=name)
    finally:
        await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(server: embedded.Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url(database="postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class OwnNats:
    """A server that comes back on the same port with the same streams and credentials."""

    def __init__(self, datadir: DataDir) -> None:
        self._datadir = datadir
        self._stack = AsyncExitStack()
        self.server: embedded.Nats

    @property
    def url(self) -> str:
        """With credentials; the same after each start."""
        return self.server.full_url

    async def start(self) -> None:
        self.server = await self._stack.enter_async_context(embedded.nats(self._datadir))

    async def stop(self) -> None:
        await self._stack.aclose()

    async def kill(self) -> None:
        """As a crash does: kill -9."""
        os.kill(self.server.pid, signal.SIGKILL)
        with pytest.raises(embedded.Died):
            await self.server.wait()
        await self.stop()

    def freeze(self) -> None:
        """It stays connected and answers nothing, as behind a broken network."""
        os.kill(self.server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.server.pid, signal.SIGCONT)


OWNER = """
import asyncio, json, sys
from pathlib import Path
from parley_cli import embedded
from parley_cli.datadir import DataDir

async def main():
    with DataDir(Path(sys.argv[1])) as datadir:
        async with embedded.postgres(datadir) as postgres, embedded.nats(datadir) as nats:
            print(json.dumps({"postgres": postgres.pid, "nats": nats.pid, "url": postgres.url()}), flush=True)
            await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
"""A process with both servers: prints their ids, and stops them when its standard input ends."""


@asynccontextmanager
async def owner(
    datadir: Path, user: Privileges | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """`OWNER` as another process, perhaps of another user, and what it printed."""
    command = (user or Privileges()).launch(
        Path("/"), signal.SIGKILL, [sys.executable, "-c", OWNER, str(datadir)]
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()
