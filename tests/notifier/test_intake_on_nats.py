"""Events and receipts over a real NATS: shared by replicas, through crashes of each side."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from intakes import NOW, ROOM, Log, Room, intake, running, until
from projected import folded, tables
from servers import OwnNats

from chassis.database import Pool
from events import Record, StreamError, storage, subjects
from events.feed import EventFeed, Received
from events.jetstream import Nats, connect
from events.receipts import Receipt, Receipts
from notifier.watermarks import WatermarkIntake


@pytest.fixture
def app() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def room(app: str) -> Room:
    return Room(app)


@pytest.fixture
async def nats(nats_url: str) -> AsyncIterator[Nats]:
    async with connect(nats_url, name="test") as nats:
        await nats.ensure_stream()
        yield nats


async def publish(nats: Nats, records: Sequence[Record]) -> None:
    await asyncio.gather(*[await nats.publish(record) for record in records])


async def test_two_replicas_share_the_events_of_hot_and_cold_rooms(
    pool: Pool, app: str, nats: Nats, nats_url: str
) -> None:
    rooms = [Room(app, f"room-{number}") for number in range(20)]
    log = Log(*rooms)
    await log.serve(nats, app)
    for number in range(600):
        rooms[0].post(f"u{number % 7}", str(number))
        if not number % 6:
            comment = rooms[number % 20].post("ada")
            rooms[number % 20].edit(comment, "edited")
    async with AsyncExitStack() as stack:
        replicas = []
        for _ in range(2):
            own = await stack.enter_async_context(connect(nats_url, name="replica"))
            replicas.append(await stack.enter_async_context(intake(pool, own.feed(), own, app, batch=25)))
        await publish(nats, [record for room in rooms for record in room.records])
        total = sum(len(room.events) for room in rooms)
        await until(lambda: sum(replica.taken for replica in replicas) >= total)
        while min(replica.taken for replica in replicas) == 0:  # one began late
            rooms[0].post("ada", "one more")
            await publish(nats, rooms[0].records[-1:])
            await asyncio.sleep(0.01)
        total = sum(len(room.events) for room in rooms)
        await until(lambda: sum(replica.taken for replica in replicas) >= total)
    assert await tables(pool, app) == folded(*[room for room in rooms if room.events])


class Deaf:
    """`EventFeed` of a process that is killed before it confirms."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed
        self.written = asyncio.Event()

    async def take(self, app: str, durable: str, most: int, wait: float) -> Sequence[Received]:
        return await self._feed.take(app, durable, most, wait)

    async def confirm(self, received: Sequence[Received]) -> None:
        self.written.set()
        await asyncio.Event().wait()


async def test_what_a_killed_process_had_committed_comes_again_and_changes_nothing(
    pool: Pool, room: Room, nats: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 1.0)
    app, deaf = room.app, Deaf(nats.feed())
    for number in range(10):
        room.post("ada", str(number))
    await publish(nats, room.records)
    async with intake(pool, deaf, nats, app, batch=4):
        await deaf.written.wait()
    await pool.execute("update notifier.comments set look_at = null where app = $1", app)
    async with intake(pool, nats.feed(), nats, app) as taking:
        await until(lambda: taking.taken == 10)
    expected = folded(room)
    decided = [place for place, row in (await tables(pool, app)).comments.items() if row["look_at"] is None]
    assert 0 < len(decided) <= 4
    for place in decided:
        expected.comments[place]["look_at"] = None
    assert await tables(pool, app) == expected


async def test_what_the_stream_forgot_is_read_from_the_log(pool: Pool, room: Room, nats: Nats) -> None:
    app, log = room.app, Log(room, cut=9)
    await log.serve(nats, app)
    for number in range(30):
        room.post("ada", str(number))
    await publish(nats, room.records[:20])
    await nats.contents().remove(app)
    await publish(nats, room.records[25:])
    async with intake(pool, nats.feed(), nats, app) as taking:
        await until(lambda: taking.taken == 5)
    assert await tables(pool, app) == folded(room)


async def test_a_server_that_crashes_and_a_stream_that_is_made_anew_lose_nothing(
    pool: Pool, room: Room, own_nats: OwnNats, caplog: pytest.LogCaptureFixture
) -> None:
    app = room.app
    async with (
        connect(own_nats.url, name="notifier") as nats,
        connect(own_nats.url, name="comments") as relay,
        intake(pool, nats.feed(), nats, app),
    ):
        await relay.ensure_stream()

        async def arrives(refill: int = 0) -> None:
            """Published until it is there, as the relay does."""
            room.post("ada", str(len(room.events)))
            async with asyncio.timeout(60):
                while (await tables(pool, app)).rooms.get(ROOM, ("", 0, None))[1] < len(room.events):
                    await published(relay, room.records[0 if refill else -1 :])
                    await asyncio.sleep(0.1)

        await arrives()
        await own_nats.kill()
        await own_nats.start()
        await arrives()
        await relay._client.jsm().delete_stream(subjects.STREAM)
        await relay.ensure_stream()
        await arrives(refill=1)
        await relay._client.jsm().delete_consumer(subjects.STREAM, f"notifier-{app}")
        await arrives()
    assert await tables(pool, app) == folded(room)
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.intake"]
    assert lines[-1] == "the intake of events has the stream again"


async def published(relay: Nats, records: Sequence[Record]) -> None:
    for ack in [await relay.publish(record) for record in records]:
        await asyncio.wait([ack])
        ack.exception()


async def test_receipts_that_overtake_their_comment_count_once_it_is_there(
    pool: Pool, room: Room, nats: Nats
) -> None:
    app, receipts = room.app, nats.receipts()
    await receipts.ensure_receipts()
    room.join("bob")
    for _ in range(3):
        room.post("ada")
    told = Receipts(epoch="e1", at=NOW, receipts=[Receipt(user="bob", delivered=4, read=3)]).encode()
    watermarks = WatermarkIntake(pool, receipts, app, batch=100, delivered=lambda places: None)
    async with running(watermarks.run()):
        await (await receipts.publish_receipts(app, ROOM, told))
        await until(lambda: watermarks.ahead == 1)
        async with intake(pool, nats.feed(), nats, app):
            await publish(nats, room.records)
            await until(lambda: watermarks.taken == 1)
    assert (await tables(pool, app)).members[ROOM, "bob"] == (1, 4, 3)


async def test_while_there_is_no_stream_it_is_said_once(
    pool: Pool, room: Room, own_nats: OwnNats, caplog: pytest.LogCaptureFixture
) -> None:
    app = room.app
    room.post("ada")
    async with connect(own_nats.url, name="notifier") as nats:
        with pytest.raises(StreamError):
            await nats.feed().take(app, f"notifier-{app}", 1, 0.1)
        async with intake(pool, nats.feed(), nats, app) as taking:
            await until(lambda: any("waits for the stream" in line.getMessage() for line in caplog.records))
            await nats.ensure_stream()
            await publish(nats, room.records)
            await until(lambda: taking.taken == 1)
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.intake"]
    assert [line.partition(":")[0] for line in lines] == [
        "the intake of events waits for the stream",
        "the intake of events has the stream again",
    ]
