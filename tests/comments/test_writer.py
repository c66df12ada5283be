"""Group commit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from contract.own_postgres import OwnPostgres

from comments.commands import Command, EditComment, PostComment
from comments.database import Pool, connect
from comments.errors import Overloaded, Unavailable, UnknownComment
from comments.ids import uuid7
from comments.log import Log, Outcome, Stored
from comments.postgres import PostgresLog
from comments.testing import MemoryLog
from comments.writer import BATCH, Writer


def post(room: str = "a", body: str = "x") -> PostComment:
    return PostComment(room=room, actor="u1", comment=uuid7(), body=body)


class Gate:
    """A log that waits until it is opened."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.open = asyncio.Event()

    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        await self.open.wait()
        return await self._log.append(commands)


@asynccontextmanager
async def running(log: Log, waiting: int = 10_000) -> AsyncIterator[tuple[Writer, list[Stored]]]:
    told: list[Stored] = []
    writer = Writer(log, told.extend, waiting=waiting)
    task = asyncio.create_task(writer.run())
    try:
        yield writer, told
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_many_posters_cost_far_fewer_transactions(pool: Pool) -> None:
    async with running(PostgresLog(pool, "app")) as (writer, told):
        outcomes = await asyncio.gather(*(writer.submit(post(f"room-{n % 50}")) for n in range(1000)))
    assert writer.commands == len(told) == len(outcomes) == 1000
    assert writer.batches <= 2 + 1000 / BATCH
    assert await pool.fetchval("select count(*) from comments.events") == 1000


async def test_the_next_batch_gathers_while_one_commits() -> None:
    gate = Gate(MemoryLog())
    async with running(gate) as (writer, _):
        first = writer.submit(post())
        await asyncio.sleep(0)
        rest = [writer.submit(post()) for _ in range(100)]
        gate.open.set()
        await asyncio.gather(first, *rest)
    assert writer.batches == 2


async def test_what_is_committed_is_told_before_it_is_answered() -> None:
    async with running(MemoryLog()) as (writer, told):
        outcome = await writer.submit(post())
        assert told == [outcome.stored]


async def test_a_refused_command_raises_for_its_own_caller() -> None:
    async with running(MemoryLog()) as (writer, _):
        good = writer.submit(post())
        bad = writer.submit(
            EditComment(room="a", actor="u1", comment=uuid7(), moderator=False, changes={"body": "x"})
        )
        assert (await good).event is not None
        with pytest.raises(UnknownComment):
            await bad


async def test_what_a_caller_no_longer_waits_for_is_written_all_the_same() -> None:
    log = MemoryLog()
    gate = Gate(log)
    async with running(gate) as (writer, _):
        left, stays = writer.submit(post(body="left")), writer.submit(post(body="stays"))
        left.cancel()
        gate.open.set()
        await stays
    assert [event.offset for event in log.events] == [1, 2]


async def test_beyond_the_limit_callers_are_refused_at_once() -> None:
    gate = Gate(MemoryLog())
    async with running(gate, waiting=10) as (writer, _):
        accepted = [writer.submit(post()) for _ in range(10)]
        with pytest.raises(Overloaded) as refused:
            writer.submit(post())
        assert refused.value.headers == {"Retry-After": "1"}
        gate.open.set()
        await asyncio.gather(*accepted)
        await writer.submit(post())


async def test_while_postgres_is_away_callers_are_told_so(
    own_postgres: OwnPostgres,
) -> None:
    pool = await connect(own_postgres.url, size=3, timeout=5)
    async with running(PostgresLog(pool, "app")) as (writer, _):
        await writer.submit(post())
        await own_postgres.stop()
        refused = await asyncio.gather(*(writer.submit(post()) for _ in range(500)), return_exceptions=True)
        assert {type(one) for one in refused} == {Unavailable}
        await own_postgres.start()
        outcome = await writer.submit(post())
        assert outcome.event is not None
        assert outcome.event.offset == 2
    await pool.close()


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    own_postgres: OwnPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await connect(own_postgres.url, size=3, timeout=5)
    async with running(PostgresLog(pool, "app")) as (writer, _):
        await own_postgres.stop()
        for _ in range(5):
            await asyncio.gather(writer.submit(post()), return_exceptions=True)
        await own_postgres.start()
        await writer.submit(post())
    await pool.close()
    lines = [line.getMessage() for line in caplog.records if line.name == "comments.writer"]
    assert [line[:25] for line in lines] == ["the log is unavailable: P", "the log is available agai"]


async def test_a_postgres_that_hangs_is_given_up_and_used_again_clean(own_postgres: OwnPostgres) -> None:
    pool = await connect(own_postgres.url, size=3, timeout=0.3)
    async with running(PostgresLog(pool, "app")) as (writer, _):
        await writer.submit(post())
        own_postgres.freeze()
        try:
            async with asyncio.timeout(5):
                with pytest.raises(Unavailable):
                    await writer.submit(post())
        finally:
            own_postgres.thaw()
        outcome = await eventually(writer)
        assert outcome.event is not None
        assert outcome.event.offset in (2, 3)
    await pool.close()


async def eventually(writer: Writer) -> Outcome:
    """The outcome of the first post that is written within 10 s."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await writer.submit(post())
            except Unavailable:
                await asyncio.sleep(0.05)
