"""The schema: forwards only, once, and with no more rights than the service needs."""

import asyncio
import sys

import asyncpg
import pytest

from comments import migrate as module
from comments.database import Pool
from comments.migrate import LOCK, MigrationError, migrate, migrations


async def test_an_empty_database_is_brought_up_to_date_once(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    known = list(migrations())
    assert await migrate(owner) == len(known)
    assert await migrate(owner) == 0
    rows = await owner.fetch("select number, digest from comments.migrations order by number")
    assert [tuple(row) for row in rows] == [(each.number, each.digest) for each in known]
    await owner.close()


MIGRATE = """
import asyncio, asyncpg, sys
from comments.migrate import migrate

async def main():
    owner = await asyncpg.connect(sys.argv[1])
    print(await migrate(owner))
    await owner.close()

asyncio.run(main())
"""


async def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    async def start() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, database_url, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return int(output)

    assert sorted(await asyncio.gather(start(), start())) == [0, len(list(migrations()))]


async def test_a_migration_whose_content_changed_is_refused(owner: asyncpg.Connection) -> None:
    await owner.execute("update comments.migrations set digest = 'other' where number = 1")
    with pytest.raises(MigrationError, match="other content"):
        await migrate(owner)


async def test_a_database_of_a_newer_version_is_refused(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into comments.migrations values (9999, 'later', '')")
    with pytest.raises(MigrationError, match="9999"):
        await migrate(owner)


async def test_after_a_refusal_others_may_migrate(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into comments.migrations values (9999, 'later', '')")
    with pytest.raises(MigrationError):
        await migrate(owner)
    assert await owner.fetchval("select pg_try_advisory_lock($1)", LOCK)


FORBIDDEN = [
    "update comments.events set data = '{}'",
    "delete from comments.events",
    "truncate comments.events",
    "drop table comments.events",
    "delete from comments.rooms",
    "update comments.outbox set since = now()",
    "update comments.log set epoch = 'x'",
    "insert into comments.migrations values (2, 'x', 'y')",
    "create table comments.mine (n int)",
    "create table public.mine (n int)",
]


async def test_the_service_cannot_do_what_it_need_not(pool: Pool) -> None:
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


def test_the_role_is_the_one_that_the_migrations_make() -> None:
    assert f"create role {module.ROLE}" in next(migrations()).sql
