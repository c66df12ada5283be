"""What members acknowledge reaches the log's watermarks and the followers, whatever ends meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres
from contract.recording import Heard
from servers import OwnNats
from watermarked import Rooms, encoded, join, message, post

from comments.database import Pool, connect
from comments.followers import Followers
from comments.intake import Intake
from events import StreamError, Wire, subjects
from events.jetstream import Nats
from events.jetstream import connect as connect_nats
from events.receipts import ReceiptStream, Taken, Watermarks
from events.testing import MemoryNats

NOW = datetime.now(UTC)


class Told(Heard[tuple[str, bytes]]):
    """What followers of the app hear."""

    async def of(self, count: int) -> list[tuple[str, dict[str, tuple[int, int]]]]:
        """The first messages: the room, and who moved where."""
        return [read(subject, payload) for subject, payload in (await self.until(count))[:count]]


def read(subject: str, payload: bytes) -> tuple[str, dict[str, tuple[int, int]]]:
    moved = Watermarks.decode(payload).moved
    return subjects.room_of(subject.split(".")[2]), {m.user: (m.delivered, m.read) for m in moved}


@pytest.fixture
def rooms(pool: Pool, app: str) -> Rooms:
    return Rooms(pool, app)


async def listening(wire: Wire, app: str) -> Told:
    told = Told()
    await wire.listen(subjects.watermarks_of(app), lambda subject, payload: told((subject, payload)))
    return told


@asynccontextmanager
async def intake(
    pool: Pool, wire: Wire, stream: ReceiptStream, app: str, batch: int = 500
) -> AsyncIterator[Intake]:
    """A process that takes them."""
    followers = Followers(pool, wire, app)
    found = Intake(pool, stream, followers, app, batch=batch)
    tasks = [asyncio.create_task(found.run()), asyncio.create_task(followers.run())]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            assert task.cancelled(), task.exception()


async def publish(stream: ReceiptStream, app: str, *receipts: tuple[str, int, int], room: str = "a") -> None:
    await (await stream.publish_receipts(app, room, encoded(NOW, receipts)))


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)


async def test_what_is_acknowledged_is_written_and_told(rooms: Rooms, pool: Pool, nats: Nats) -> None:
    app = rooms.app
    await rooms.do(join("u1", "a.b"), post("u2", "a.b"), post("u2", "a.b"))
    told = await listening(nats, app)
    await nats.ping()
    async with intake(pool, nats, nats.receipts(), app) as taking:
        await nats.receipts().ensure_receipts()
        await publish(nats.receipts(), app, ("u1", 3, 2), room="a.b")
        assert await told.of(1) == [("a.b", {"u1": (3, 2)})]
        assert await rooms.marks("a.b") == {"u1": (3, 2), "u2": (2, 2)}
        await publish(nats.receipts(), app, ("u1", 2, 1), ("stranger", 3, 3), room="a.b")
        await publish(nats.receipts(), app, ("u1", 3, 3), room="a.b")
        assert (await told.of(2))[1] == ("a.b", {"u1": (3, 3)})
        assert (taking.moved, Watermarks.decode(told.all[0][1]).members) == (2, 2)
        await until(lambda: taking.taken == 3)


async def test_what_was_committed_by_a_process_that_died_is_told_by_another(
    rooms: Rooms, pool: Pool, app: str
) -> None:
    """It had not confirmed it: it comes again after a while."""
    nats = MemoryNats()
    stream = Redelivering(nats.receipts())
    await rooms.do(join("u1"), post("u2"))
    await rooms.write(message(NOW, ("u1", 2, 2)), now=NOW)
    told = await listening(nats, app)
    stream.again.append(message(NOW, ("u1", 2, 2), again=True))
    async with intake(pool, nats, stream, app):
        assert await told.of(1) == [("a", {"u1": (2, 2)})]
        await until(lambda: len(stream.confirmed) == 1)
    assert (await rooms.marks())["u1"] == (2, 2)


class Redelivering:
    """`ReceiptStream` that first brings what was taken before."""

    def __init__(self, stream: ReceiptStream) -> None:
        self._stream = stream
        self.again: list[Taken] = []
        self.confirmed: list[Taken] = []

    async def ensure_receipts(self, *, replicas: int = 1) -> None:
        await self._stream.ensure_receipts(replicas=replicas)

    async def publish_receipts(self, app: str, room: str, data: bytes) -> asyncio.Future[None]:
        return await self._stream.publish_receipts(app, room, data)

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> list[Taken]:
        taken, self.again = self.again, []
        return taken or list(await self._stream.take_receipts(app, durable, most, wait))

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        self.confirmed += taken


async def test_what_cannot_be_taken_is_said_once_and_does_not_come_again(
    rooms: Rooms, pool: Pool, nats: Nats, caplog: pytest.LogCaptureFixture
) -> None:
    app, stream = rooms.app, nats.receipts()
    await rooms.do(join("u1"), post("u2"))
    await stream.ensure_receipts()
    await publish(stream, app, ("u1", 1, 0))
    await (await stream.publish_receipts(app, "a", b"\xff\n{"))
    await publish(stream, app, ("u1", 2, 2))
    async with intake(pool, nats, stream, app) as taking:
        await until(lambda: taking.taken == 3)
    assert (await rooms.marks())["u1"] == (2, 2)
    lines = [line.getMessage() for line in caplog.records if line.name == "comments.intake"]
    assert lines == ["receipts of the room 'a' that cannot be taken: ValidationError"]
    assert await stream.take_receipts(app, f"comments-{app}", 10, 0.01) == []


async def test_a_message_that_postgres_refuses_does_not_stop_the_others(
    rooms: Rooms, pool: Pool, nats: Nats, caplog: pytest.LogCaptureFixture, owner: asyncpg.Connection
) -> None:
    """Such as one to which a rule of the table says no."""
    app, stream = rooms.app, nats.receipts()
    await rooms.do(join("u1"), join("u2"), post("u3"), post("u3"))
    await owner.execute("""alter table comments.receipts add check ("user" <> 'u2' or delivered < 4)""")
    await stream.ensure_receipts()
    for user, offset in (("u1", 3), ("u2", 4), ("u1", 4), ("u2", 3)):
        await publish(stream, app, (user, offset, 0))
    async with intake(pool, nats, stream, app) as taking:
        await until(lambda: taking.taken == 4)
    assert await rooms.marks() == {"u1": (4, 1), "u2": (3, 2), "u3": (3, 3)}
    lines = [line.getMessage() for line in caplog.records if line.name == "comments.intake"]
    assert lines == ["receipts of the room 'a' that cannot be taken: CheckViolationError"]


async def test_two_processes_share_what_comes_and_lose_nothing(rooms: Rooms, pool: Pool, nats: Nats) -> None:
    app, stream = rooms.app, nats.receipts()
    users = [f"u{number}" for number in range(20)]
    await rooms.do(*[join(user) for user in users], *[post("x") for _ in range(80)])
    await stream.ensure_receipts()
    async with intake(pool, nats, stream, app, 3) as one, intake(pool, nats, stream, app, 3) as other:
        for offset in range(21, 101):
            await publish(stream, app, *[(user, offset, offset - 1) for user in users])
        await until(lambda: one.taken + other.taken == 80)
        assert min(one.taken, other.taken) > 0
    marks = await rooms.marks()
    assert {user: marks[user] for user in users} == dict.fromkeys(users, (100, 99))


async def test_while_postgres_is_away_nothing_is_confirmed_and_then_it_is_written(
    own_postgres: OwnPostgres, app: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool, nats = await connect(own_postgres.url, size=3, timeout=5), MemoryNats()
    rooms, stream = Rooms(pool, app), Redelivering(nats.receipts())
    await rooms.do(join("u1"), post("u2"))
    async with intake(pool, nats, stream, app) as taking:
        await own_postgres.stop()
        await stream.ensure_receipts()
        await publish(stream, app, ("u1", 2, 2))
        await until(lambda: any("waits for Postgres" in line.getMessage() for line in caplog.records))
        assert (stream.confirmed, taking.taken) == ([], 0)
        await own_postgres.start()
        await until(lambda: len(stream.confirmed) == 1)
        assert (await rooms.marks())["u1"] == (2, 2)
    await pool.close()
    lines = [line.getMessage() for line in caplog.records if line.name == "comments.intake"]
    assert [line.partition(":")[0] for line in lines] == [
        "the intake of receipts waits for Postgres",
        "the intake of receipts has Postgres again",
    ]


async def test_a_stream_or_a_consumer_that_is_gone_is_made_again(
    rooms: Rooms, pool: Pool, own_nats: OwnNats
) -> None:
    app = rooms.app
    await rooms.do(join("u1"), *[post("u2") for _ in range(9)])
    async with (
        connect_nats(own_nats.url, name="comments") as nats,
        connect_nats(own_nats.url, name="fanout") as fanout,
        intake(pool, nats, nats.receipts(), app) as taking,
    ):
        offset = 1

        async def arrives() -> None:
            """Published again until it is there, as fanout does."""
            nonlocal offset
            offset += 1
            async with asyncio.timeout(30):
                while (await rooms.marks())["u1"][0] < offset:
                    with contextlib.suppress(StreamError):
                        await publish(fanout.receipts(), app, ("u1", offset, 0))
                    await asyncio.sleep(0.1)

        await arrives()
        admin = nats._client.jsm()
        await admin.delete_stream(subjects.RECEIPTS_STREAM)
        await arrives()
        await admin.delete_consumer(subjects.RECEIPTS_STREAM, f"comments-{app}")
        await arrives()
        await own_nats.kill()
        await own_nats.start()
        await arrives()
        assert taking.taken >= 4
