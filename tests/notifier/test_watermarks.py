"""What members acknowledge moves their watermarks, cancels pushes and takes notifications back."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres
from hypothesis import given
from hypothesis import strategies as st
from intakes import NOW, ROOM, Room, ScriptedFeed, intake, owe, own, pushes, running, until
from projected import tables

from chassis.database import Pool
from events import CommentPosted, storage
from events.receipts import Receipt, Receipts, Taken
from events.testing import MemoryNats
from notifier import watermarks
from notifier.acknowledgements import Mark, Whose, gather, said
from notifier.database import connect
from notifier.reached import Place
from notifier.watermarks import WatermarkIntake

Told = tuple[str, int, int]
"""A user, and the offsets that were delivered and read."""


def message(*told: Told, room: str = ROOM, epoch: str | None = "e1") -> Taken:
    receipts = [Receipt(user=user, delivered=delivered, read=read) for user, delivered, read in told]
    return Taken(room, Receipts(epoch=epoch, at=NOW, receipts=receipts).encode(), "reply")


# What messages say, put together


def test_the_highest_of_what_is_said_counts_and_what_was_read_was_delivered() -> None:
    one, two = message(("bob", 3, 1), ("ada", 1, 5)), message(("bob", 2, 2), epoch=None)
    three = message(("bob", 1, 3), ("bob", 2, 1), room="a")
    assert gather([said(each, 0) for each in (one, two, three, one)]) == {
        Whose("a", "bob", "e1"): Mark(3, 3),
        Whose(ROOM, "ada", "e1"): Mark(5, 5),
        Whose(ROOM, "bob", None): Mark(2, 2),
        Whose(ROOM, "bob", "e1"): Mark(3, 1),
    }


TOLD = st.tuples(st.sampled_from(["ada", "bob"]), st.integers(0, 9), st.integers(0, 9))


@given(messages=st.lists(st.lists(TOLD, max_size=3), max_size=6), shuffled=st.randoms(use_true_random=False))
def test_order_repeats_and_batches_of_messages_do_not_matter(
    messages: list[list[Told]], shuffled: Random
) -> None:
    all_said = [said(message(*told), 0) for told in messages]
    again = [*all_said, *all_said[::2]]
    shuffled.shuffle(again)
    assert gather(again) == gather(all_said)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\n{", b'{"at":"x","receipts":[]}'])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        said(Taken(ROOM, data, ""), 0)


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(message(room="a\0"), id="room"),
        pytest.param(message(("b\0", 1, 1)), id="user"),
        pytest.param(message(("bob", 1, 1), epoch="e\0"), id="epoch"),
    ],
)
def test_what_postgres_does_not_take_for_text_is_refused(taken: Taken) -> None:
    with pytest.raises(ValueError, match="NUL"):
        said(taken, 0)


@pytest.mark.parametrize(
    ("heads", "known"),
    [
        pytest.param({ROOM: ("e1", 5)}, True, id="known"),
        pytest.param({ROOM: ("e1", 4)}, False, id="beyond the head"),
        pytest.param({ROOM: ("e2", 9)}, False, id="of another epoch"),
        pytest.param({"a": ("e1", 9)}, False, id="of an unknown room"),
    ],
)
def test_it_is_known_what_has_happened(heads: dict[str, tuple[str, int]], known: bool) -> None:
    assert said(message(("bob", 5, 1)), 0).is_known(heads) is known


# What is written


@pytest.fixture
def app() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def room(app: str) -> Room:
    return Room(app)


@pytest.fixture
def nats() -> MemoryNats:
    return MemoryNats()


@pytest.fixture
async def bench(pool: Pool, room: Room, nats: MemoryNats) -> AsyncIterator["Bench"]:
    async with at_work(pool, room, nats) as bench:
        yield bench


@asynccontextmanager
async def at_work(pool: Pool, room: Room, nats: MemoryNats) -> AsyncIterator["Bench"]:
    feed = ScriptedFeed()
    bench = Bench(pool, room, nats, feed)
    async with intake(pool, feed, nats, room.app), running(bench.taking.run()):
        yield bench


class Bench:
    """A room whose events are known, and a process that takes receipts."""

    def __init__(self, pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed) -> None:
        self.pool, self.room, self.app, self._stream, self._feed = pool, room, room.app, nats.receipts(), feed
        self.delivered: list[Sequence[Place]] = []
        self.taking = WatermarkIntake(
            pool, self._stream, room.app, batch=100, delivered=self.delivered.append
        )
        self._known = 0
        self.said = 0

    async def know(self) -> None:
        """The notifier has taken what happened until now."""
        self._feed.give(*self.room.records[self._known :])
        self._known = len(self.room.events)
        await until(lambda: len(self._feed.confirmed) >= self._known)

    async def say(self, *told: Told, epoch: str | None = "e1", room: str = ROOM) -> None:
        self.said += 1
        data = message(*told, room=room, epoch=epoch).data
        await (await self._stream.publish_receipts(self.app, room, data))

    async def hear(self, *told: Told, epoch: str | None = "e1", room: str = ROOM) -> None:
        """It is said, written and confirmed."""
        await self.say(*told, epoch=epoch, room=room)
        await until(lambda: self.taking.taken == self.said)

    async def marks(self) -> dict[str, tuple[int, int]]:
        """Delivered and read, by user."""
        members = (await tables(self.pool, self.app)).members
        return {user: (delivered, read) for (_, user), (_, delivered, read) in members.items()}

    async def until_marks(self, user: str, marks: tuple[int, int]) -> None:
        async with asyncio.timeout(30):
            while (await self.marks())[user] != marks:
                await asyncio.sleep(0.01)

    async def comments(self, count: int) -> list[CommentPosted]:
        """Of ada; bob and cyd are members. The first has offset 3."""
        self.room.join("bob")
        self.room.join("cyd")
        posted = [self.room.post("ada") for _ in range(count)]
        await self.know()
        return posted


async def test_watermarks_only_grow(bench: Bench) -> None:
    await bench.comments(3)
    await bench.hear(("bob", 4, 3), ("cyd", 5, 0))
    await bench.hear(("bob", 5, 2), ("cyd", 3, 4), epoch=None)
    await bench.hear(("bob", 1, 1))
    assert await bench.marks() == {"ada": (2, 2), "bob": (5, 3), "cyd": (5, 4)}


async def test_no_member_has_no_watermark(bench: Bench) -> None:
    await bench.comments(1)
    await bench.hear(("eve", 3, 3))
    assert sorted(await bench.marks()) == ["ada", "bob", "cyd"]


async def test_what_was_read_is_not_pushed_any_more(bench: Bench) -> None:
    one, two = await bench.comments(2)
    for comment in (one, two):
        await owe(bench.pool, bench.app, comment, "bob")
        await owe(bench.pool, bench.app, comment, "cyd")
    await bench.hear(("bob", 3, 3), ("cyd", 4, 0))
    assert await pushes(bench.pool, bench.app) == [
        ("comment", "d-bob", 3, "cancelled", "read"),
        ("comment", "d-bob", 4, "waiting", "push"),
        ("comment", "d-cyd", 3, "waiting", "push"),
        ("comment", "d-cyd", 4, "waiting", "push"),
    ]


async def test_it_is_told_to_whom_something_was_delivered_of_which_a_push_waits(bench: Bench) -> None:
    one, two = await bench.comments(2)
    await owe(bench.pool, bench.app, one, "bob")
    await owe(bench.pool, bench.app, two, "cyd")
    await bench.hear(("bob", 3, 0), ("cyd", 3, 0), ("ada", 4, 4))
    assert bench.delivered == [[(ROOM, "bob")]]
    await bench.hear(("bob", 3, 0))
    await bench.hear(("cyd", 4, 4), ("bob", 4, 3))
    assert bench.delivered == [[(ROOM, "bob")]]


@pytest.mark.parametrize(
    ("state", "unsure"),
    [("sent", False), ("unknown", False), ("sending", False), ("waiting", True), ("failed", True)],
)
async def test_what_a_device_shows_is_taken_back_once_it_was_read(
    bench: Bench, state: str, unsure: bool
) -> None:
    one, two, _ = await bench.comments(3)
    await own(bench.pool, bench.app, "bob")
    await owe(bench.pool, bench.app, one, state="sent")
    await owe(bench.pool, bench.app, two, state=state, unsure=unsure)
    await bench.hear(("bob", 3, 3))
    assert not await taken_back(bench)
    await bench.hear(("bob", 4, 4))
    await bench.hear(("bob", 5, 5))
    assert await taken_back(bench) == [("d-bob", 4)]
    row = await bench.pool.fetchrow("select * from notifier.pushes where kind = 'read'")
    assert row is not None
    assert (row["event"], row["comment"], row["user"], row["trace"]) == (two.id, two.comment, "bob", "trace")
    assert (row["state"], row["reason"], row["platform"]) == ("waiting", "read_elsewhere", "apns")
    assert (row["expires_at"] - row["not_before"]).total_seconds() == 3600


@pytest.mark.parametrize("state", ["waiting", "cancelled", "failed"])
async def test_of_what_no_device_shows_nothing_is_taken_back(bench: Bench, state: str) -> None:
    [one] = await bench.comments(1)
    await own(bench.pool, bench.app, "bob")
    await owe(bench.pool, bench.app, one, state=state)
    await bench.hear(("bob", 3, 3))
    assert not await taken_back(bench)


async def test_it_is_taken_back_on_each_device_that_still_is_theirs(bench: Bench) -> None:
    one, two = await bench.comments(2)
    for device in ("phone", "browser", "tablet"):
        await owe(bench.pool, bench.app, one, device=device, state="sent")
    await owe(bench.pool, bench.app, two, device="tablet", state="sent")
    for device, user in (("phone", "bob"), ("browser", "cyd"), ("tablet", "bob")):
        await own(bench.pool, bench.app, user, device)
    await bench.hear(("bob", 3, 3), ("cyd", 4, 4))
    assert await taken_back(bench) == [("phone", 3)]
    await bench.hear(("bob", 4, 4))
    assert await taken_back(bench) == [("phone", 3), ("tablet", 4)]


async def taken_back(bench: Bench) -> list[tuple[str, int]]:
    """Devices and offsets."""
    return [
        (device, offset) for kind, device, offset, *_ in await pushes(bench.pool, bench.app) if kind == "read"
    ]


# What is not known yet


async def test_what_is_said_of_a_comment_that_is_not_known_yet_counts_once_it_is(bench: Bench) -> None:
    await bench.comments(1)
    await bench.say(("bob", 5, 4), ("cyd", 3, 3))
    await bench.until_marks("bob", (3, 3))
    await until(lambda: bench.taking.ahead == 1)
    bench.room.post("ada")
    await bench.know()
    await bench.until_marks("bob", (4, 4))
    assert (bench.taking.ahead, bench.taking.taken) == (1, 0)
    bench.room.post("ada")
    await bench.know()
    await until(lambda: bench.taking.taken == 1)
    assert (await bench.marks())["bob"] == (5, 4)
    assert bench.taking.ahead == 0


async def test_so_it_does_in_a_room_that_is_not_known_yet(bench: Bench) -> None:
    await bench.say(("bob", 3, 3), epoch=None)
    await until(lambda: bench.taking.ahead == 1)
    await bench.comments(1)
    await until(lambda: bench.taking.taken == 1)
    assert (await bench.marks())["bob"] == (3, 3)


async def test_what_never_happens_is_let_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.comments(1)
    await bench.say(("bob", 2**62, 2**62))
    await until(lambda: bench.taking.ahead == 1)
    monkeypatch.setattr(watermarks, "PATIENCE_SECONDS", 0)
    await until(lambda: bench.taking.taken == 1)
    assert (await bench.marks())["bob"] == (3, 3)
    await bench.hear(("bob", 3, 3), epoch="another")
    assert (await bench.marks())["bob"] == (3, 3)


async def test_no_more_is_kept_than_there_is_room_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermarks, "MOST_AHEAD", 2)
    await bench.comments(1)
    for offset in range(11, 16):
        await bench.say(("bob", offset, 0))
    await until(lambda: bench.taking.taken == 3)
    assert bench.taking.ahead == 2


async def test_what_is_kept_and_comes_again_is_kept_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 0.05)
    for _ in range(2):
        await bench.say(("bob", 3, 3))
    await bench.say(("bob", 2, 2), room="never")
    await until(lambda: bench.taking.ahead == 2)
    await bench.comments(1)
    await until(lambda: bench.taking.taken >= 2)
    assert (await bench.marks())["bob"] == (3, 3)
    assert bench.taking.ahead == 1


# What goes wrong


async def test_a_message_that_cannot_be_read_is_said_and_not_taken_again(
    bench: Bench, nats: MemoryNats, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.comments(1)
    await (await nats.receipts().publish_receipts(bench.app, ROOM, b"\xff"))
    bench.said += 1
    await bench.hear(("bob", 3, 3))
    assert (await bench.marks())["bob"] == (3, 3)
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.watermarks"]
    assert lines == [f"receipts of the room '{ROOM}' that cannot be taken: ValidationError"]


async def test_a_message_that_postgres_refuses_does_not_stop_the_others(
    bench: Bench, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.comments(2)
    await owner.execute("""alter table notifier.members add check ("user" <> 'bob' or read < 4)""")
    await bench.say(("bob", 4, 4))
    await bench.hear(("cyd", 4, 4))
    assert await bench.marks() == {"ada": (2, 2), "bob": (0, 0), "cyd": (4, 4)}
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.watermarks"]
    assert lines == [f"receipts of the room '{ROOM}' that cannot be taken: CheckViolationError"]


async def test_while_postgres_is_away_nothing_is_confirmed_and_nothing_is_lost(
    own_postgres: OwnPostgres, room: Room, nats: MemoryNats, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await connect(own_postgres.url, size=3, timeout=5)
    async with at_work(pool, room, nats) as bench:
        await bench.comments(1)
        await own_postgres.stop()
        await bench.say(("bob", 3, 3))
        await until(
            lambda: any("receipts waits for Postgres" in line.getMessage() for line in caplog.records)
        )
        assert bench.taking.taken == 0
        await own_postgres.start()
        await until(lambda: bench.taking.taken == 1)
        assert (await bench.marks())["bob"] == (3, 3)
    await pool.close()


async def test_while_the_stream_is_gone_it_waits(bench: Bench, nats: MemoryNats) -> None:
    await bench.comments(1)
    await bench.hear(("bob", 3, 0))
    nats.receipts().remove()
    nats.receipts()._pulling.wake()
    await nats.receipts().ensure_receipts()
    await bench.hear(("bob", 3, 3))
    assert (await bench.marks())["bob"] == (3, 3)
