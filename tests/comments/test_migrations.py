"""The schema: forwards only, once, and with no more rights than the service needs."""

import asyncio
import sys

import asyncpg
import pytest

from chassis.migrations import LOCK, MigrationError, Schema
from comments import derived
from comments.database import Pool
from comments.migrate import SCHEMA


async def test_an_empty_database_is_brought_up_to_date_once(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    known = list(SCHEMA.migrations())
    assert await SCHEMA.migrate(owner) == len(known)
    assert await SCHEMA.migrate(owner) == 0
    rows = await owner.fetch("select number, digest from comments.migrations order by number")
    assert [tuple(row) for row in rows] == [(each.number, each.digest) for each in known]
    await owner.close()


async def test_members_of_an_older_version_have_read_all_there_was(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await SCHEMA.begin(owner)
    for migration in list(SCHEMA.migrations())[:2]:
        await SCHEMA.apply(owner, migration)
    await owner.execute("""
        insert into comments.rooms (app, id, epoch, head) values ('app', 'a', 'e', 7), ('app', 'b', 'e', 9);
        insert into comments.members (room, "user", joined_at) values (1, 'u1', now()), (1, 'u2', now()),
            (2, 'u1', now());
    """)
    await SCHEMA.migrate(owner)
    rows = await owner.fetch('select room, "user", delivered, read from comments.receipts order by 1, 2')
    assert [tuple(row) for row in rows] == [(1, "u1", 7, 7), (1, "u2", 7, 7), (2, "u1", 9, 9)]
    await owner.close()


MIGRATE = """
import asyncio, asyncpg, sys
from comments.migrate import SCHEMA

async def main():
    owner = await asyncpg.connect(sys.argv[1])
    print(await SCHEMA.migrate(owner))
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

    assert sorted(await asyncio.gather(start(), start())) == [0, len(list(SCHEMA.migrations()))]


async def test_a_migration_whose_content_changed_is_refused(owner: asyncpg.Connection) -> None:
    await owner.execute("update comments.migrations set digest = 'other' where number = 1")
    with pytest.raises(MigrationError, match="other content"):
        await SCHEMA.migrate(owner)


async def test_a_database_of_a_newer_version_is_refused(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into comments.migrations values (9999, 'later', '')")
    with pytest.raises(MigrationError, match="9999"):
        await SCHEMA.migrate(owner)


async def test_after_a_refusal_others_may_migrate(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into comments.migrations values (9999, 'later', '')")
    with pytest.raises(MigrationError):
        await SCHEMA.migrate(owner)
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
    assert f"create role {SCHEMA.role}" in next(SCHEMA.migrations()).sql


EARLIER = """
    insert into comments.rooms (app, id, epoch, head)
    select 'app', id, 'e', 500 from unnest(array['a', 'b']) as id;
    insert into comments.comments (id, room, "offset", author, body, created_at, deleted_at)
    select gen_random_uuid(), key, n, 'u' || n % 7, 'x', now(), case when n % 5 = 0 then now() end
    from comments.rooms cross join generate_series(3, 490, 2) as n;
    insert into comments.members (room, "user", joined_at)
    select distinct room, author, now() from comments.comments
"""


async def test_what_was_written_before_is_numbered_and_tallied_and_counts_as_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = list(SCHEMA.migrations())
    owner = await asyncpg.connect(database_url)
    with monkeypatch.context() as earlier:
        earlier.setattr(Schema, "migrations", lambda _: iter(known[:2]))
        await SCHEMA.migrate(owner)
    await owner.execute(EARLIER)
    await SCHEMA.migrate(owner)
    assert await derived.misnumbered(owner, [1, 2]) == []
    for kind in derived.KINDS:
        assert [each async for each in derived.wrong(owner, kind, [1, 2])] == []
    assert await owner.fetchval("select max(number) from comments.comments") == 244
    assert await owner.fetchval("select sum(count) from comments.deletions where level = 0") == 2 * 2 * 49
    assert await owner.fetchval("select array_agg(distinct read) from comments.receipts") == [500]
    await owner.close()
