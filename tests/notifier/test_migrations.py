"""The notifier's schema: forwards only, once, and with no more rights than the service needs."""

import asyncio
import sys

import asyncpg
import pytest

from chassis.database import Pool
from chassis.migrations import MigrationError
from notifier.migrate import SCHEMA


async def test_an_empty_database_is_brought_up_to_date_once(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    known = list(SCHEMA.migrations())
    assert await SCHEMA.migrate(owner) == len(known)
    assert await SCHEMA.migrate(owner) == 0
    rows = await owner.fetch("select number, digest from notifier.migrations order by number")
    assert [tuple(row) for row in rows] == [(each.number, each.digest) for each in known]
    await owner.close()


MIGRATE = """
import asyncio, asyncpg, sys
from comments.migrate import SCHEMA as comments
from notifier.migrate import SCHEMA as notifier

async def main():
    owner = await asyncpg.connect(sys.argv[1])
    for schema in (comments, notifier) if sys.argv[2] == "0" else (notifier, comments):
        await schema.migrate(owner)
    await owner.close()

asyncio.run(main())
"""


async def test_services_that_start_at_once_migrate_beside_each_other(database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, database_url, str(number))
        for number in range(2)
    ]
    assert [await process.wait() for process in processes] == [0, 0]
    owner = await asyncpg.connect(database_url)
    assert await SCHEMA.migrate(owner) == 0
    await owner.close()


async def test_a_database_of_a_newer_version_is_refused(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into notifier.migrations values (9999, 'later', '')")
    with pytest.raises(MigrationError, match="9999"):
        await SCHEMA.migrate(owner)


FORBIDDEN = [
    "truncate notifier.pushes",
    "drop table notifier.devices",
    "alter table notifier.devices drop column address",
    "insert into notifier.migrations values (2, 'x', 'y')",
    "create table notifier.mine (n int)",
    "create table public.mine (n int)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_service_cannot_do_what_it_need_not(pool: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


OF_COMMENTS = ["select from comments.events", "insert into comments.rooms (app) values ('x')"]


@pytest.mark.parametrize("statement", OF_COMMENTS)
async def test_the_service_cannot_reach_the_log(
    pool: Pool, owner: asyncpg.Connection, statement: str
) -> None:
    await owner.execute("create schema comments")
    await owner.execute("create table comments.events (app text); create table comments.rooms (app text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


def test_the_role_is_the_one_that_the_migrations_make() -> None:
    assert f"create role {SCHEMA.role}" in next(SCHEMA.migrations()).sql
