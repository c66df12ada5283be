"""From the outbox to the stream, with real servers on both sides."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres
from contract.recording import Heard
from servers import OwnNats
from streamlog import log_of, quiet, stream_of

from comments import outbox
from comments.commands import PostComment
from comments.database import Pool
from comments.database import connect as connect_postgres
from comments.ids import uuid7
from comments.log import Outcome, Stored
from comments.partitions import Partitions
from comments.postgres import PARTITIONS, PostgresLog
from comments.relay import Relay
from comments.upkeep import Upkeep
from events import Record, Rejected, Wire
from events.jetstream import Nats, connect
from events.testing import MemoryNats

AGE = "update comments.outbox set since = since - interval '1 minute'"
Running = Callable[..., AbstractAsyncContextManager[Relay]]


async def write(pool: Pool, app: str, *rooms: str) -> list[Stored]:
    commands = [PostComment(room=room, actor="u1", comment=uuid7(), body="x") for room in rooms]
    outcomes = await PostgresLog(pool, app).append(commands)
    return [one.stored for one in outcomes if isinstance(one, Outcome) and one.stored]


async def drained(pool: Pool, *, within: float = 10) -> None:
    """Wait until the outbox is empty."""
    async with asyncio.timeout(within):
        while await outbox.count(pool, range(PARTITIONS)):
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


class Moody(MemoryNats):
    """A stream that refuses some events once, as a full disk or a change of leaders does."""

    def __init__(self, *refused: int) -> None:
        super().__init__()
        self.refuses = set(refused)
        self.most = 0
        """Of one room on their way at once."""
        self._on_their_way = 0

    async def publish(self, record: Record) -> asyncio.Future[int]:
        self._on_their_way += 1
        self.most = max(self.most, self._on_their_way)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if record.offset in self.refuses:
            self.refuses.discard(record.offset)
            answer.set_exception(Rejected("not now"))
        else:
            answer.set_result(await (await super().publish(record)))
        answer.add_done_callback(lambda _: self._landed())
        return answer

    def _landed(self) -> None:
        self._on_their_way -= 1


@pytest.fixture
async def start(pool: Pool, database_url: str) -> AsyncIterator[Running]:
    """A relay with a connection of its own, as another process has it.

    It has compared the stream and published what waited, unless the stream is not there.
    """
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def run(
            stream: Nats | MemoryNats,
            wire: Wire,
            sweep: float = 0.1,
            *,
            pipelined: bool = True,
            there: bool = True,
        ) -> AsyncIterator[Relay]:
            partitions = Partitions(database_url)
            stack.push_async_callback(partitions.close)
            await partitions.settle()
            upkeep = Upkeep(pool, stream.contents())
            relay = Relay(pool, partitions, stream, wire, upkeep, sweep=sweep, pipelined=pipelined)
            async with running(relay):
                if there:
                    await quiet(pool)
                yield relay
            await partitions.close()

        yield run


async def owned(*relays: Relay) -> None:
    """Wait until the relays share all partitions."""
    async with asyncio.timeout(10):
        while sum(len(relay.owned) for relay in relays) < PARTITIONS or not all(
            each.owned for each in relays
        ):
            await asyncio.sleep(0.02)


def offsets(records: Sequence[Record]) -> list[int]:
    return [record.offset for record in records]


async def test_what_is_committed_here_is_in_the_stream_in_order(
    pool: Pool, nats: Nats, app: str, start: Running
) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "a.b", heard)
    async with start(nats, nats, sweep=60) as relay:
        for _ in range(20):
            relay.committed(await write(pool, app, *["a.b"] * 10, "other"))
        assert offsets(await heard.until(200)) == list(range(1, 201))
        await drained(pool)
        assert relay.figures.published == 220


async def test_the_message_is_the_row_of_the_log(pool: Pool, nats: Nats, app: str, start: Running) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    async with start(nats, nats) as relay:
        [stored] = await write(pool, app, "lobby")
        relay.committed([stored])
        assert await heard.until(1) == [stored.record]


async def test_what_a_crash_left_is_published_by_the_next_process(
    pool: Pool, nats: Nats, nats_url: str, app: str, start: Running
) -> None:
    rooms = [f"room-{number}" for number in range(300)]
    for _ in range(3):
        await write(pool, app, *rooms)
    async with start(nats, nats):
        assert await stream_of(nats_url, app) == await log_of(pool, app)


async def test_what_was_published_before_a_crash_is_not_in_the_stream_twice(
    pool: Pool, nats: Nats, nats_url: str, app: str, start: Running
) -> None:
    first = await write(pool, app, "lobby", "lobby")
    await (await nats.publish(first[0].record))
    async with start(nats, nats):
        assert [offset for _, offset in (await stream_of(nats_url, app))["lobby"]] == [1, 2]


async def test_what_memory_lost_is_found_in_the_outbox(
    pool: Pool, owner: asyncpg.Connection, nats: Nats, nats_url: str, app: str, start: Running
) -> None:
    """No process was told of the commits."""
    async with start(nats, nats):
        await write(pool, app, *["lobby"] * 10)
        await owner.execute(AGE)
        await drained(pool)
        assert await stream_of(nats_url, app) == await log_of(pool, app)


async def test_a_commit_elsewhere_wakes_the_owner_at_once(
    pool: Pool, nats: Nats, app: str, start: Running
) -> None:
    heard = Heard[Record]()
    rooms = [f"room-{number}" for number in range(20)]
    for room in rooms:
        await nats.follow(app, room, heard)
    async with start(nats, nats, sweep=0.05) as one, start(nats, nats, sweep=0.05) as two:
        await owned(one, two)
        for turn in range(10):
            relay = one if turn % 2 else two
            relay.committed(await write(pool, app, *rooms))
        records = await heard.until(200)
        assert one.figures.published
        assert two.figures.published
    for room in rooms:
        assert offsets([record for record in records if record.room == room]) == list(range(1, 11))


async def test_a_wake_up_reaches_the_owner_before_it_looks_by_itself(
    pool: Pool, nats: Nats, app: str, start: Running
) -> None:
    """Without it the event would wait for a sweep, which here comes after an hour."""
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    async with start(nats, nats, sweep=3600) as owner:
        owner.committed(await write(pool, app, "lobby"))
        await heard.until(1)
        async with start(nats, nats, sweep=3600) as idle:
            idle.committed(await write(pool, app, "lobby"))
            await heard.until(2)
            assert idle.figures.published == 0


async def test_while_nats_is_away_events_wait_and_then_follow_in_order(
    pool: Pool, own_nats: OwnNats, app: str, start: Running
) -> None:
    heard = Heard[Record]()
    async with connect(own_nats.url, name="relay") as nats:
        await nats.ensure_stream()
        await nats.follow(app, "lobby", heard)
        async with start(nats, nats) as relay:
            relay.committed(await write(pool, app, *["lobby"] * 50))
            await heard.until(50)
            await own_nats.kill()
            for _ in range(10):
                relay.committed(await write(pool, app, *["lobby"] * 10))
            await own_nats.start()
            assert offsets(await heard.until(150)) == list(range(1, 151))
            await drained(pool)


async def test_what_many_minutes_gather_follows_in_order_when_nats_is_back(
    pool: Pool, owner: asyncpg.Connection, own_nats: OwnNats, app: str, start: Running
) -> None:
    """More than the relay holds in memory; its figures say how much waits, and for how long."""
    rooms = [f"room-{number}" for number in range(50)]
    async with connect(own_nats.url, name="relay") as nats:
        await nats.ensure_stream()
        async with start(nats, nats) as relay:
            relay.committed(await write(pool, app, *rooms))
            await drained(pool)
            await own_nats.kill()
            for _ in range(24):
                relay.committed(await write(pool, app, *rooms * 10))
            await owner.execute("update comments.outbox set since = since - interval '10 minutes'")
            async with asyncio.timeout(10):
                while relay.figures.outbox_size < 12_000 or relay.figures.outbox_age < 600:
                    await asyncio.sleep(0.02)
            await own_nats.start()
            await drained(pool, within=60)
            async with asyncio.timeout(10):
                while relay.figures.outbox_size or relay.figures.outbox_age:
                    await asyncio.sleep(0.02)
    held = await stream_of(own_nats.url, app)
    assert held == await log_of(pool, app)
    assert {len(events) for events in held.values()} == {241}


async def test_more_than_fits_into_memory_is_published_all_the_same(
    pool: Pool, app: str, start: Running
) -> None:
    stream = MemoryNats(away=True)
    async with start(stream, stream, there=False) as relay:
        for _ in range(25):
            relay.committed(await write(pool, app, *["a"] * 300, *["b"] * 200))
        stream.come_back()
        await drained(pool, within=30)
    for room, count in (("a", 7500), ("b", 5000)):
        found = [record for record in stream.records if record.room == room]
        assert offsets(found) == list(range(1, count + 1))


async def test_events_that_overtook_another_are_put_in_order_again(
    pool: Pool, app: str, start: Running
) -> None:
    stream = Moody(3, 7)
    async with start(stream, stream) as relay:
        relay.committed(await write(pool, app, *["lobby"] * 10))
        async with asyncio.timeout(10):
            while offsets(stream.records) != list(range(1, 11)):
                await asyncio.sleep(0.02)
        await quiet(pool)
        assert relay.figures.failures == 2
        assert relay.figures.published > 10
    assert offsets(stream.records) == list(range(1, 11))


async def test_one_by_one_no_event_can_overtake_another(pool: Pool, app: str, start: Running) -> None:
    stream = Moody(3, 7)
    async with start(stream, stream, pipelined=False) as relay:
        relay.committed(await write(pool, app, *["lobby"] * 10))
        await drained(pool)
        assert (relay.figures.failures, relay.figures.published) == (2, 10)
    assert offsets(stream.records) == list(range(1, 11))
    assert stream.most == 1


async def test_it_ends_when_it_is_told_to_whatever_it_waits_for(
    pool: Pool, nats: Nats, database_url: str
) -> None:
    async with asyncio.timeout(60):
        for step in range(100):
            partitions = Partitions(database_url)
            upkeep = Upkeep(pool, nats.contents())
            async with running(Relay(pool, partitions, nats, nats, upkeep, sweep=0.001)):
                await asyncio.sleep(step * 0.0005)
            await partitions.close()


async def test_while_postgres_is_away_the_relay_waits(own_postgres: OwnPostgres, app: str) -> None:
    stream = MemoryNats()
    pool = await connect_postgres(own_postgres.url, size=3, timeout=5)
    partitions = Partitions(own_postgres.url)
    async with running(Relay(pool, partitions, stream, stream, Upkeep(pool, stream), sweep=0.05)) as relay:
        await owned(relay)
        relay.committed(await write(pool, app, "lobby"))
        await own_postgres.stop()
        await own_postgres.start()
        await owned(relay)
        relay.committed(await write(pool, app, "lobby"))
        await drained(pool)
    assert offsets(stream.records) == [1, 2]
    await partitions.close()
    await pool.close()
