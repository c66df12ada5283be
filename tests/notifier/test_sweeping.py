"""What is old is forgotten: decisions, pushes and comments, but neither rooms nor members."""

import asyncio

import asyncpg
import pytest
from intakes import running
from pushworld import ROOM, World

from chassis.database import Pool
from notifier import sweeping
from notifier.sweeping import Sweeping

DAY = 86_400.0


@pytest.fixture
def sweeper(pool: Pool) -> Sweeping:
    return Sweeping(pool, "test", keep_days=7)


async def push(pool: Pool, offset: int, *, days: float, state: str) -> None:
    await pool.execute(_PUSH, ROOM, offset, days, state)


async def left(pool: Pool, table: str) -> int:
    found: int = await pool.fetchval(f"select count(*) from notifier.{table}")
    return found


async def test_decisions_and_pushes_that_ended_are_kept_for_some_days(pool: Pool, sweeper: Sweeping) -> None:
    for offset, days in enumerate((6.9, 7.1, 30), start=1):
        await pool.execute(_DECISION, ROOM, offset, days)
    states = ("sent", "cancelled", "failed", "unknown", "waiting", "sending")
    for offset, state in enumerate(states, start=1):
        await push(pool, offset, days=7.1, state=state)
        await push(pool, offset + 10, days=6.9, state=state)
    await sweeper.sweep()
    assert await left(pool, "decisions") == 1
    kept = await pool.fetch('select state from notifier.pushes where "offset" < 10 order by "offset"')
    assert [row["state"] for row in kept] == ["waiting", "sending"]
    assert await left(pool, "pushes") == 8


async def test_a_comment_is_kept_until_it_is_decided_and_its_pushes_have_ended(
    world: World, pool: Pool, sweeper: Sweeping
) -> None:
    await world.room()
    await world.member("bob")
    _, young = await world.comment(ago=6.9 * DAY, due=False)
    await world.comment(ago=7.1 * DAY, due=False)
    _, undecided = await world.comment(ago=7.1 * DAY)
    waits, awaited = await world.comment(ago=7.1 * DAY, due=False)
    await push(pool, awaited, days=7.1, state="waiting")
    await pool.execute("update notifier.pushes set comment = $1", waits)
    await sweeper.sweep()
    rows = await pool.fetch('select "offset" from notifier.comments order by "offset"')
    assert [row["offset"] for row in rows] == [young, undecided, awaited]
    assert (await left(pool, "rooms"), await left(pool, "members")) == (1, 1)


async def test_much_is_deleted_part_by_part_and_nothing_of_another_app(
    pool: Pool, sweeper: Sweeping, monkeypatch: pytest.MonkeyPatch, owner: asyncpg.Connection
) -> None:
    monkeypatch.setattr(sweeping, "ROWS", 10)
    for offset in range(25):
        await pool.execute(_DECISION, ROOM, offset, 8)
    await owner.execute("update notifier.decisions set app = 'another' where first < 5")
    async with running(sweeper.run()):
        async with asyncio.timeout(30):
            while await left(pool, "decisions") > 5:
                await asyncio.sleep(0.01)
    assert sweeper.deleted == 20


_DECISION = """
    insert into notifier.decisions (app, room, "user", first, last, reason, at)
    values ('test', $1, 'bob', $2, $2, 'read', now() - make_interval(secs => $3 * 86400))
"""
_PUSH = """
    insert into notifier.pushes (
        app, kind, room, "offset", event, comment, "user", device, platform, state, reason,
        not_before, expires_at, created_at
    )
    values (
        'test', 'comment', $1, $2, gen_random_uuid(), gen_random_uuid(), 'bob', 'd', 'apns', $4, 'push',
        now(), now(), now() - make_interval(secs => $3 * 86400)
    )
"""
