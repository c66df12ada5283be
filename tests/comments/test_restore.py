"""An older backup is put back: nobody is fed a history that never was."""

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import httpx
import pytest
import websockets
from contract.own_postgres import OwnPostgres
from nodes import Client
from operated import Operated, post
from processes import Cluster, cluster, token
from running import parley

from comments.database import Pool
from comments.log import Outcome
from comments.postgres import PostgresLog
from comments.restore import begin_epoch, standing
from events.jetstream import Nats
from parley_cli.embedded.binaries import INSTALLATION, installed


class Dump:
    """`pg_dump` of a database, and `pg_restore` over what has become of it."""

    def __init__(self, url: str, file: Path) -> None:
        self._url = urlsplit(url)
        self._file = str(file)

    def take(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._file}", self._url.path[1:])

    def put_back(self) -> None:
        database = f"--dbname={self._url.path[1:]}"
        self._run("pg_restore", "--clean", "--if-exists", "--single-transaction", database, self._file)

    def _run(self, program: str, *arguments: str) -> None:
        url = self._url
        where = [f"--host={url.hostname}", f"--port={url.port}", f"--username={url.username}"]
        subprocess.run(
            [installed() / INSTALLATION / "bin" / program, *where, *arguments],
            env={"PGPASSWORD": unquote(url.password or ""), "LC_ALL": "C"},
            check=True,
        )


class Copy:
    """A copy of the files of a Postgres, which is swapped under the services that run."""

    def __init__(self, server: OwnPostgres, directory: Path) -> None:
        self._server = server
        self._files = directory / "own-postgres/postgres/data"
        self._copy = directory / "copy"

    async def take(self) -> None:
        await self._stopped(self._files, self._copy)

    async def put_back(self) -> None:
        await self._stopped(self._copy, self._files)

    async def _stopped(self, source: Path, target: Path) -> None:
        await self._server.stop()
        subprocess.run(["rm", "-rf", target], check=True)
        subprocess.run(["cp", "-a", source, target], check=True)
        await self._server.start()


class System:
    """comments and fanout as processes, and the commands that an operator runs beside them."""

    def __init__(self, services: Cluster, environ: dict[str, str], room: str) -> None:
        self._services = services
        self._environ = environ
        self.room = room

    async def post(self, *bodies: str, room: str | None = None) -> list[int]:
        """The offsets that they were given."""
        url = f"{self._services.comments[0].url}/v1/rooms/{room or self.room}/comments"
        headers = {"Authorization": f"Bearer {token()}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            return [await self._posted(client, url, body) for body in bodies]

    async def _posted(self, client: httpx.AsyncClient, url: str, body: str) -> int:
        """Tried again while Postgres is away, as clients do."""
        async with asyncio.timeout(30):
            while (answer := await client.post(url, json={"body": body})).status_code == 503:
                await asyncio.sleep(0.1)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["offset"])

    async def parley(self, *arguments: str) -> tuple[int, str]:
        return await asyncio.to_thread(parley, *arguments, **self._environ)

    @asynccontextmanager
    async def member(self, **since: Any) -> AsyncIterator[tuple[Client, dict[str, Any]]]:
        """One who is subscribed, and the answer to that."""
        url = f"{self._services.fanouts[0].socket_url}?token={token()}"
        async with websockets.connect(url, proxy=None) as socket:
            client = Client(socket)
            await client.receive()
            yield client, await client.ask("subscribe", room=self.room, **({"since": since} if since else {}))


@pytest.fixture
def system(own_postgres: OwnPostgres, nats_url: str) -> Iterator[System]:
    url, app = own_postgres.url, f"restored-{uuid.uuid4().hex[:8]}"
    environ = {"PARLEY_DATABASE_URL": url, "PARLEY_NATS_URL": nats_url, "PARLEY_APP_ID": app}
    with cluster(url, nats_url, {"PARLEY_APP_ID": app}) as services:
        yield System(services, environ, uuid.uuid4().hex)


@pytest.fixture
def operated(
    app: str, pool: Pool, owner: asyncpg.Connection, nats: Nats, database_url: str, nats_url: str
) -> Operated:
    return Operated(app, pool, owner, nats, database_url, nats_url)


async def test_a_client_that_saw_more_than_the_backup_is_told_so(
    system: System, own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    backup = Copy(own_postgres, tmp_path)
    assert await system.post("one", "two", "three") == [1, 2, 3]
    await backup.take()
    async with system.member() as (watcher, subscribed):
        before = subscribed["epoch"]
        assert await system.post("lost", "lost too") == [4, 5]
        assert await system.post("a room that the backup does not know", room="younger") == [1]
        assert await watcher.events(2) == [4, 5]
        await backup.put_back()
        status, output = await system.parley("log", "restored", "--yes")
        assert status == 0, output
        assert await watcher.closing() == 4003
    assert await system.post("other than what was lost", "too") == [4, 5]
    assert await system.post("begins again", room="younger") == [1]
    for offset in (5, 3):
        async with system.member(epoch=before, offset=offset) as (client, answer):
            assert answer["recovered"] is False
            assert answer["epoch"] != before
            assert answer["offset"] == 5
    async with system.member(epoch=answer["epoch"], offset=3) as (client, answer):
        assert answer["recovered"] is True
        assert await client.events(2) == [4, 5]
    status, output = await system.parley("log", "verify")
    assert status == 0, output
    assert "ok: 6 events in 2 rooms, 6 in the stream" in output


async def test_a_dump_that_was_put_back_is_noticed_and_declared(operated: Operated, tmp_path: Path) -> None:
    """No service runs meanwhile: the command fills the stream by itself."""
    dump = Dump(operated.database_url, tmp_path / "dump")
    await operated.conversation()
    dump.take()
    await operated.write([post("lobby"), post("lobby"), post("younger")])
    dump.put_back()
    said = [finding.said for finding in await operated.verify()]
    assert [each.partition(", the log has not")[0] for each in said] == [
        "the stream has offsets 17 to 18",
        "the stream has offset 1",
    ]
    given = {"PARLEY_DATABASE_URL": operated.database_url, "PARLEY_NATS_URL": operated.nats_url}
    restored = ["log", "restored", "--yes"]
    status, output = await asyncio.to_thread(parley, *restored, **given, PARLEY_APP_ID=operated.app)
    assert status == 0, output
    assert await operated.verify() == []
    assert operated.seen is not None
    assert operated.seen.streamed == 16


# The new epoch


async def test_every_room_and_what_waits_belong_to_the_new_epoch(
    pool: Pool, database_url: str, owner: asyncpg.Connection
) -> None:
    log = PostgresLog(pool, "app")
    await log.append([post("a"), post("b")])
    before = await standing(database_url)
    assert (before.apps, before.rooms, before.events) == (["app"], 2, 2)
    assert before.newest is not None
    epoch = await begin_epoch(database_url)
    assert epoch != before.epoch
    assert {row["epoch"] for row in await owner.fetch("select epoch from comments.rooms")} == {epoch}
    assert await owner.fetchval("select count(*) from comments.outbox") == 0
    [outcome] = await log.append([post("a")])
    assert isinstance(outcome, Outcome)
    assert outcome.stored is not None
    assert (outcome.stored.record.epoch, outcome.stored.record.offset) == (epoch, 2)


async def test_whoever_writes_meanwhile_writes_in_one_epoch_or_the_other(
    pool: Pool, database_url: str, owner: asyncpg.Connection
) -> None:
    """Also in rooms that are made in that moment: none keeps the old one."""
    log, enough = PostgresLog(pool, "app"), asyncio.Event()

    async def write() -> None:
        while not enough.is_set():
            await log.append([post("hot"), post(uuid.uuid4().hex)])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(write())
        for _ in range(10):
            epoch = await begin_epoch(database_url)
            await asyncio.sleep(0.05)
        enough.set()
    rows = await owner.fetch("select distinct epoch from comments.rooms union select epoch from comments.log")
    assert [row["epoch"] for row in rows] == [epoch]


async def test_a_log_without_a_room_has_a_standing(pool: Pool, database_url: str) -> None:
    before = await standing(database_url)
    assert (before.rooms, before.events, before.newest) == (0, 0, None)
