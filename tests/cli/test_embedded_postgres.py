import os
import signal
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from parley_cli import embedded
from parley_cli.datadir import DataDir


@pytest.fixture
def datadir(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / 'it\'s "my" $HOME für 聊天') as datadir:
        yield datadir


async def query(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_what_was_committed_is_there_after_a_stop_and_after_a_crash(datadir: DataDir) -> None:
    lines: list[str] = []
    async with embedded.postgres(datadir, progress=lines.append) as server:
        await query(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")
    async with embedded.postgres(datadir, progress=lines.append) as server:
        await query(server.url(), "INSERT INTO kept VALUES (2)")
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(embedded.Died, match="postgres ended with signal 9"):
            await server.wait()
    async with embedded.postgres(datadir, progress=lines.append) as server:
        assert await query(server.url(), "SELECT sum(n) FROM kept") == 3
    assert [line.split(",")[0].split(" in ")[0] for line in lines] == [
        "postgres: first start",
        "postgres: ready",
        "postgres: ready",
        "postgres: ready",
    ]


async def test_a_start_that_was_broken_off_in_the_middle_is_begun_again(datadir: DataDir) -> None:
    half = datadir.directory("postgres") / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    async with embedded.postgres(datadir) as server:
        assert await query(server.url(), "SELECT 1") == 1
    assert not half.exists()


async def test_a_taken_port_is_not_in_the_way(datadir: DataDir) -> None:
    with socket.create_server(("127.0.0.1", datadir.port("postgres"))) as other:
        async with embedded.postgres(datadir) as server:
            assert server.port != other.getsockname()[1]
            assert await query(server.url(), "SELECT 1") == 1


async def test_a_password_that_no_longer_fits_is_one_clear_line(datadir: DataDir) -> None:
    async with embedded.postgres(datadir):
        pass
    (datadir.path / "secrets" / "postgres-password").unlink()
    with pytest.raises(embedded.NotReady, match=r"^postgres on port \d+ refuses us: password [^\n]+$"):
        async with embedded.postgres(datadir):
            pass


async def test_a_setting_it_does_not_know_is_shown_from_its_log(datadir: DataDir) -> None:
    with pytest.raises(embedded.Died, match='unrecognized configuration parameter "no_such"'):
        async with embedded.postgres(datadir, settings={"no_such": "1"}):
            pass


async def test_no_file_is_open_to_others(datadir: DataDir) -> None:
    async with embedded.postgres(datadir), embedded.nats(datadir):
        loose = [path for path in datadir.path.rglob("*") if path.stat().st_mode & 0o077]
    assert loose == []


async def test_logs_of_another_day_are_dropped_at_the_start(datadir: DataDir) -> None:
    hour = (datetime.now().astimezone().hour + 12) % 24  # its log is named after the hour, and in use now
    log = datadir.directory("postgres") / "log" / f"postgres-{hour:02}.log"
    datadir.directory("postgres/log")
    log.touch()
    os.utime(log, (0, 0))
    async with embedded.postgres(datadir):
        assert not log.exists()


@pytest.mark.parametrize("password", ["wrong", None])
async def test_only_the_kept_password_lets_in(
    postgres_server: embedded.Postgres, password: str | None
) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=postgres_server.port,
            user="postgres",
            database="parley",
            password=password or "",
            passfile="/dev/null",
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("autovacuum", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("log_min_error_statement", "panic"),
    ],
)
async def test_it_runs_with_settings_that_lose_nothing_and_open_nothing(
    postgres_server: embedded.Postgres, name: str, value: str
) -> None:
    assert await query(postgres_server.url(), f"SELECT current_setting('{name}')") == value


async def test_a_role_connects_with_the_secret_of_its_name(postgres_server: embedded.Postgres) -> None:
    url = postgres_server.url("reader")
    await query(
        postgres_server.url(), f"CREATE ROLE reader LOGIN PASSWORD '{url.split(':')[2].split('@')[0]}'"
    )
    assert await query(url, "SELECT current_user") == "reader"
    await query(postgres_server.url(), "DROP ROLE reader")


async def test_each_test_has_an_empty_database_of_its_own(
    database_url: str, postgres_server: embedded.Postgres
) -> None:
    assert await query(database_url, "SELECT current_database()") != "parley"
    assert await query(database_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
