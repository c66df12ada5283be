"""The disk is full, under Postgres and under JetStream: nothing is lost, and room is all it takes."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from string import ascii_letters

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal
from contract.own_postgres import OwnPostgres
from outages.disks import fill, small_disk
from outages.ground import Ground, poster, until, upto, watcher
from processes import SECRET, cluster
from running import Up, running

from parley_cli.datadir import DataDir

DISK = 160 << 20
"""Bytes: PostgreSQL's empty cluster takes 41 MB, and 16 more for each file of its log."""

FILES = "select pg_logical_emit_message(false, '', ''), pg_switch_wal() from generate_series(1, 100)"
"""Begins so many files of PostgreSQL's log."""

LONG = "".join(Random(1).choices(ascii_letters, k=7_500))
"""What PostgreSQL cannot compress, and so needs a page of its own: room left in others does not help."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    with small_disk(place, DISK) as disk:
        yield disk


async def test_a_full_disk_of_postgres_is_said_once_and_room_is_enough(
    ground: Ground, disk: Path, servers_portal: BlockingPortal
) -> None:
    with ExitStack() as stack:
        postgres = OwnPostgres(stack.enter_context(DataDir(disk / "postgres")))
        servers_portal.call(postgres.start)
        stack.callback(servers_portal.call, postgres.stop)
        services = stack.enter_context(cluster(postgres.url, ground.nats.url))
        [comments], [fanout] = services.comments, services.fanouts
        standing = replace(ground, comments=comments, fanout=fanout, postgres=postgres)
        async with standing.poster() as posting, standing.watcher(posting.room) as watching:
            await posting.post_all(8)
            filler = fill(disk)
            refusal = await until(lambda: posting.post(LONG), lambda answer: answer.status_code != 201)
            assert (refusal.status_code, refusal.json()["code"]) == (503, "storage_full")
            assert refusal.headers["retry-after"] == "5"
            for _ in range(20):
                assert (await posting.post(LONG)).status_code == 503
            assert (await posting.read()).status_code == 200
            filler.unlink()
            await posting.posts_again()
            await posting.post_all(40, LONG)
            last = (await posting.read()).json()["head"]
            assert last == len(posting.offsets)
            await watching.hear(last)
            assert watching.offsets == upto(last)
        assert len([line for line in comments.logs if "the log is unavailable" in line]) == 1


async def test_jetstream_that_a_full_disk_has_stopped_goes_on_when_there_is_room(
    disk: Path, database_url: str
) -> None:
    data = disk / "data"
    with running(data, PARLEY_DATABASE_URL=database_url, PARLEY_JWT_SECRET=SECRET) as up:
        async with (
            poster(up.url) as posting,
            watcher(up.url, posting.room) as watching,
        ):
            await posting.post_all(8)
            await watching.hear(8)
            filler = fill(disk)
            await posting.post_all(40, LONG)
            await until(lambda: posting.metric("parley_outbox_size"), lambda size: size > 0)
            filler.unlink()
            await watching.hear(48)
            assert watching.offsets == upto(48)
            await until(lambda: posting.metric("parley_outbox_size"), lambda size: size == 0)
        _, rest = up.end()
    assert "no space left on device" in rest


async def test_a_postgres_that_a_full_disk_has_ended_runs_again_when_there_is_room(disk: Path) -> None:
    """Without room for its own log PostgreSQL ends, and does not start."""
    with running(disk / "data", PARLEY_JWT_SECRET=SECRET) as up:
        async with (
            poster(up.url) as posting,
            watcher(up.url, posting.room) as watching,
        ):
            await posting.post_all(8)
            before = up.children()
            filler = fill(disk, leave=8 << 20)
            await use_up_the_log(up)
            while up.children() == before:
                await asyncio.sleep(0.05)
            refusal = await posting.post()
            assert (refusal.status_code, refusal.json()["code"]) == (503, "log_unavailable")
            filler.unlink()
            await posting.posts_again()
            await posting.post_all(8)
            head = (await posting.read()).json()["head"]
            assert {*posting.offsets} <= {*upto(head)}
            await watching.hear(head)
            assert watching.offsets == upto(head)
        _, rest = up.end()
    assert "No space left on device" in rest
    assert "postgres runs again" in rest


async def use_up_the_log(up: Up) -> None:
    """Begin new files of it until there is no room for another, which ends the server."""
    port = json.loads((up.data / "ports.json").read_text())["postgres"]
    password = (up.data / "secrets" / "postgres-password").read_text().strip()
    connection = await asyncpg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/parley")
    with pytest.raises(asyncpg.PostgresConnectionError):
        await connection.execute(FILES)
    connection.terminate()
