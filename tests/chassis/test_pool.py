"""No use of Postgres is waited for without end. What happens when it hangs is in `tests/outages`."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from comments.database import Pool, connect


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Pool]:
    """Two connections, each for half a second at most."""
    pool = await connect(database_url, size=2, timeout=0.5)
    yield pool
    await pool.close()


async def test_what_takes_too_long_is_ended_on_both_sides(hasty: Pool) -> None:
    with pytest.raises(TimeoutError, match="too long"):
        await hasty.fetchval("select pg_sleep(60)")
    sleeping = (
        "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"
    )
    while await hasty.fetchval(sleeping):
        await asyncio.sleep(0.05)


async def test_the_bound_holds_for_a_whole_transaction(hasty: Pool) -> None:
    with pytest.raises(TimeoutError):
        await doze(hasty)
    assert await hasty.fetchval("select 1") == 1


async def doze(pool: Pool) -> None:
    """Every statement of it is short."""
    async with pool.acquire() as connection, connection.transaction():
        for _ in range(60):
            await connection.execute("select pg_sleep(0.1)")


async def test_the_bound_holds_for_those_who_wait_for_a_connection(hasty: Pool) -> None:
    slow = [hasty.fetchval("select pg_sleep(60)") for _ in range(20)]
    outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert await hasty.fetchval("select 1") == 1


async def test_a_use_that_is_cancelled_gives_up_its_connection(hasty: Pool) -> None:
    for _ in range(5):
        use = asyncio.create_task(hasty.fetchval("select pg_sleep(60)"))
        await hasty.fetchval("select 1")
        use.cancel()
        with pytest.raises(asyncio.CancelledError):
            await use
    assert await hasty.fetchval("select 1") == 1


async def test_a_mistake_is_raised_as_it_is(hasty: Pool) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await hasty.execute("select * from nothing_of_that_name")


async def test_one_who_is_slow_is_not_taken_for_one_who_is_away(database_url: str) -> None:
    """A look at the slow one knocks, and somebody opens."""
    pool = await connect(database_url, size=2, timeout=10)
    watching = asyncio.create_task(pool.watch())
    assert await pool.fetchval("select 1 from pg_sleep(2)") == 1
    watching.cancel()
    await pool.close()


async def test_a_transaction_that_is_forgotten_is_ended_by_postgres(hasty: Pool) -> None:
    async with hasty.acquire() as connection:
        shown = [await connection.fetchval(f"show {name}") for name in BOUNDS]
    assert shown == ["1500ms", "1500ms", "2s"]


BOUNDS = ("statement_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval")
