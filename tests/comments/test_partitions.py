"""The outbox' partitions: each has one owner, however processes come, go and die."""

import itertools
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres

from comments.database import Pool
from comments.partitions import Partitions, present
from comments.postgres import PARTITIONS

Process = Callable[[], Partitions]


@pytest.fixture
async def process(pool: Pool, database_url: str) -> AsyncIterator[Process]:
    """Starts another process' share; the database is migrated."""
    started: list[Partitions] = []

    def start() -> Partitions:
        started.append(Partitions(database_url))
        return started[-1]

    yield start
    for each in started:
        await each.close()


async def settle(*processes: Partitions) -> list[int]:
    """How many each owns once all have looked twice; no partition has two owners at any time."""
    for one in [*processes, *processes]:
        await one.settle()
        for this, that in itertools.combinations(processes, 2):
            assert not this.owned & that.owned
    return sorted(len(one.owned) for one in processes)


async def test_a_single_process_owns_everything(process: Process) -> None:
    assert await settle(process()) == [PARTITIONS]


async def test_who_takes_part_is_counted(process: Process, pool: Pool) -> None:
    one, two = process(), process()
    assert await present(pool) == 0
    await settle(one, two)
    assert await present(pool) == 2
    await one.close()
    await settle(two)
    assert await present(pool) == 1


async def test_processes_divide_them_evenly(process: Process) -> None:
    one, two, three = process(), process(), process()
    await settle(one)
    assert await settle(one, two) == [16, 16]
    assert await settle(one, two, three) == [10, 11, 11]


async def test_what_a_process_gives_back_is_told(process: Process) -> None:
    one, two = process(), process()
    await settle(one)
    await two.settle()
    assert await one.settle() == frozenset(range(16, 32))


async def test_those_of_a_process_that_leaves_are_taken_over(process: Process) -> None:
    one, two = process(), process()
    await settle(one, two)
    await one.close()
    assert await settle(two) == [PARTITIONS]


async def test_those_of_a_lost_connection_are_taken_over(process: Process, owner: asyncpg.Connection) -> None:
    one, two = process(), process()
    await settle(one)
    [dead] = await terminate(owner)
    assert dead
    assert await settle(two) == [PARTITIONS]
    assert await settle(one, two) == [16, 16]


async def test_a_process_takes_its_own_again_after_a_lost_connection(
    process: Process, owner: asyncpg.Connection
) -> None:
    one = process()
    await settle(one)
    await terminate(owner)
    assert await one.settle() == frozenset(range(PARTITIONS)), "another may have had them in between"
    assert len(one.owned) == PARTITIONS


async def test_after_a_hanging_postgres_nothing_stays_locked(own_postgres: OwnPostgres) -> None:
    admin = await asyncpg.connect(own_postgres.url)
    await admin.execute("create role parley_comments")
    one = Partitions(own_postgres.url, timeout=0.3)
    await one.settle()
    own_postgres.freeze()
    try:
        with pytest.raises(TimeoutError):
            await one.settle()
        assert one.owned == frozenset()
    finally:
        own_postgres.thaw()
    await freed(admin)
    await one.settle()
    assert len(one.owned) == PARTITIONS
    await one.close()
    await admin.close()


async def terminate(owner: asyncpg.Connection) -> list[bool]:
    """End the connections of relays, and wait until their locks are free."""
    rows = await owner.fetch(
        "select pg_terminate_backend(pid, 5000) as done from pg_stat_activity"
        " where application_name = 'parley relay' and datname = current_database()"
    )
    return [row["done"] for row in rows]


async def freed(owner: asyncpg.Connection) -> None:
    """Wait until the server has seen the end of every relay's connection."""
    await owner.execute("""
        do $$ begin
            while exists (select from pg_stat_activity where application_name = 'parley relay') loop
                perform pg_sleep(0.01), pg_stat_clear_snapshot();
            end loop;
        end $$
    """)
