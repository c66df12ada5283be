"""What happens in rooms reaches the tables once, in order, whatever comes late, twice or never."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres
from intakes import NOW, ROOM, Log, Room, ScriptedFeed, intake, owe, pushes, until
from projected import folded, tables

from chassis.database import Pool
from events import CommentPosted
from events.feed import Received
from events.testing import MemoryNats
from notifier import holes
from notifier import intake as intake_module
from notifier.database import connect


@pytest.fixture
def app() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def room(app: str) -> Room:
    return Room(app)


@pytest.fixture
def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
def nats() -> MemoryNats:
    return MemoryNats()


@pytest.fixture
async def log(nats: MemoryNats, room: Room) -> Log:
    log = Log(room)
    await log.serve(nats, room.app)
    return log


async def test_events_are_written_and_then_confirmed(pool: Pool, room: Room, nats: MemoryNats) -> None:
    app, other = room.app, Room(room.app, "another")
    room.join("bob")
    first = room.post("ada", "hello @bob", mentions=["bob"], urgent=True)
    other.post("cyd", ago=5)
    room.attributes(title="Yoga")
    room.edit(first, "hello")
    room.delete(room.post("bob"))
    room.leave("bob")
    for record in [*room.records, *other.records]:
        await nats.publish(record)
    async with intake(pool, nats.feed(), nats, app) as taking:
        await until(lambda: taking.taken == 8)
    assert await tables(pool, app) == folded(room, other)
    assert await nats.feed().take(app, f"notifier-{app}", 10, 0.01) == []
    row = await pool.fetchrow("select * from notifier.comments where app = $1 and room = $2", app, "another")
    assert row is not None
    assert (row["trace"], row["look_at"]) == ("trace-1", NOW + timedelta(seconds=3))


async def test_what_comes_again_changes_nothing(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log
) -> None:
    app = room.app
    room.join("bob")
    comment = room.post("ada", "one")
    room.edit(comment, "two")
    room.leave("bob")
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records)
        feed.give(*room.records, again=True)
        feed.give(room.records[1], room.records[0], again=True)
        await until(lambda: taking.taken == 10)
    assert await tables(pool, app) == folded(room)
    assert log.requests == []


async def test_pushes_of_a_deleted_comment_and_to_who_left_are_cancelled(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed
) -> None:
    app = room.app
    one, two = room.post("ada"), room.post("ada")
    room.delete(one)
    room.leave("cyd")
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records[:2])
        await until(lambda: taking.taken == 2)
        await owe(pool, app, one, "bob")
        await owe(pool, app, one, "bob", device="d-bob-2", state="sent")
        await owe(pool, app, two, "bob")
        await owe(pool, app, two, "cyd")
        await owe(pool, app, replace_room(two, "another"), "cyd", device="d-cyd-2")
        feed.give(*room.records[2:])
        await until(lambda: taking.taken == 4)
    assert await pushes(pool, app) == [
        ("comment", "d-bob", 1, "cancelled", "deleted"),
        ("comment", "d-bob", 2, "waiting", "push"),
        ("comment", "d-bob-2", 1, "sent", "push"),
        ("comment", "d-cyd", 2, "cancelled", "not_a_member"),
        ("comment", "d-cyd-2", 2, "waiting", "push"),
    ]


def replace_room(comment: CommentPosted, room: str) -> CommentPosted:
    return comment.model_copy(update={"room": room})


async def test_who_comes_back_has_nothing_earlier_to_read(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed
) -> None:
    app = room.app
    room.join("bob")
    room.post("ada")
    room.leave("bob")
    room.join("bob")
    async with intake(pool, feed, nats, app) as taking:
        for record in room.records:
            feed.give(record)
        await until(lambda: taking.taken == 4)
    assert (await tables(pool, app)).members[ROOM, "bob"] == (4, 3, 3)


@pytest.mark.parametrize("cut", [1000, 7])
async def test_what_the_stream_does_not_bring_is_read_from_the_log(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log, cut: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(holes, "PAGE", 10)
    app, log.cut = room.app, cut
    comments = [room.post(f"u{number % 5}", str(number)) for number in range(50)]
    room.edit(comments[3], "edited")
    room.delete(comments[44])
    for number in range(8):
        room.join(f"v{number}")
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records[30:40], *room.records[45:47], room.records[59])
        await until(lambda: taking.taken == 13)
    assert await tables(pool, app) == folded(room)
    assert taking.holes.filled == 47
    assert max(request.limit for request in log.requests) == 10
    traces = await pool.fetch("select trace from notifier.comments where app = $1 and trace is not null", app)
    assert len(traces) == 12


async def test_while_the_log_is_silent_the_room_waits_and_others_do_not(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(intake_module, "AGAIN_SECONDS", 0.01)
    app, other, log.available = room.app, Room(room.app, "another"), False
    for _ in range(4):
        room.post("ada")
        other.post("ada")
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*other.records, *room.records[2:])
        await until(lambda: taking.taken == 4)
        assert {record.room for record in feed.confirmed} == {"another"}
        asked = feed.asked
        await until(lambda: feed.asked > asked + 3)
        assert taking.taken == 4
        log.available = True
        await until(lambda: taking.taken == 6)
    assert await tables(pool, app) == folded(room, other)
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.intake"]
    assert lines == [
        "the intake of events waits for the log: comments cannot read its log now",
        "the intake of events has the log again",
    ]


async def test_after_the_log_was_restored_the_room_is_read_again(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log
) -> None:
    """What was decided before is not decided again; what waits is not pushed."""
    app = room.app
    room.join("bob")
    kept = room.post("ada", "kept")
    lost, gone = room.post("ada", "lost"), room.post("cyd", "gone")
    room.edit(kept, "lost version")
    restored = room.restored(2)
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records)
        await until(lambda: taking.taken == 5)
        for comment in (kept, lost, gone):
            await owe(pool, app, comment)
        await pool.execute(_SPARE, app, ROOM)
        log.rooms[ROOM] = restored
        restored.post("dan", "in its place")
        feed.give(restored.records[2])
        feed.give(*room.records[3:], again=True)
        await until(lambda: taking.taken == 8)
    found, expected = await tables(pool, app), folded(restored)
    assert (found.rooms, found.members) == (expected.rooms, expected.members)
    expected.comments[ROOM, 2]["look_at"] = None
    assert {place: row for place, row in found.comments.items() if not row["deleted"]} == expected.comments
    assert found.comments[ROOM, 4]["deleted"]
    assert {state for _, _, _, state, _ in await pushes(pool, app)} == {"cancelled"}
    assert await pool.fetchval("select count(*) from notifier.decisions where app = $1", app) == 0


_SPARE = """
    insert into notifier.decisions (app, room, "user", first, last, reason)
    values ($1, $2, 'bob', 2, 3, 'here')
"""


async def test_a_comment_that_was_sent_again_after_a_restore_is_found_at_its_new_offset(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log
) -> None:
    app = room.app
    one, two = room.post("ada", "one"), room.post("ada", "two")
    restored = log.rooms[ROOM] = room.restored(0)
    for again in (two, one):
        posted = restored.post("ada", again.body)
        restored.events[-1] = posted.model_copy(update={"comment": again.comment})
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records)
        await until(lambda: taking.taken == 2)
        feed.give(*restored.records)
        await until(lambda: taking.taken == 4)
    assert await tables(pool, app) == folded(restored)


async def test_an_event_before_which_the_log_has_nothing_is_passed_over(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    app = room.app
    room.post("ada")
    room.join("bob")
    ahead = replace(room.record(room.post("eve").model_copy(update={"offset": 9})), offset=9)
    room.events.pop()
    async with intake(pool, feed, nats, app) as taking:
        feed.give(ahead)
        feed.give(*room.records)
        await until(lambda: taking.taken == 3)
    assert await tables(pool, app) == folded(room)
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.holes"]
    assert lines == ["the log has no events before one of the stream"]


async def test_what_is_not_ours_is_confirmed_and_said(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, caplog: pytest.LogCaptureFixture
) -> None:
    app = room.app
    [record] = [room.record(room.post("ada"))]
    async with intake(pool, feed, nats, app) as taking:
        feed.give(replace(record, room="a/b", epoch="x"), replace(record, data=b"{}"))
        await until(lambda: taking.taken == 2)
    assert len([line for line in caplog.records if line.getMessage() == "not an event of ours"]) == 1
    assert (await tables(pool, app)).rooms == {ROOM: ("e1", 1, None)}


async def test_an_event_that_postgres_refuses_is_passed_over_alone(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed, owner: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    app, other = room.app, Room(room.app, "another")
    for each in (room, other):
        for number in range(6):
            each.post("ada", f"{each.name} {number}")
    await owner.execute(f"alter table notifier.comments add check (body <> '{ROOM} 3')")
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records, *other.records)
        await until(lambda: taking.taken == 12)
    expected = folded(room, other)
    del expected.comments[ROOM, 4]
    assert await tables(pool, app) == expected
    lines = [line.getMessage() for line in caplog.records if line.name == "notifier.rooms"]
    assert lines == ["an event that cannot be written is passed over: CheckViolationError"]


class Stuck(ScriptedFeed):
    """Nothing that it is told arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()

    async def confirm(self, received: Sequence[Received]) -> None:
        self.told.set()
        await asyncio.Event().wait()


async def test_a_process_that_ends_between_commit_and_confirmation_leaves_nothing_to_be_done_twice(
    pool: Pool, room: Room, nats: MemoryNats, feed: ScriptedFeed
) -> None:
    app, stuck = room.app, Stuck()
    room.join("bob")
    comment = room.post("ada", "one")
    room.edit(comment, "two")
    async with intake(pool, stuck, nats, app):
        stuck.give(*room.records)
        await stuck.told.wait()
    await pool.execute("update notifier.comments set look_at = null where app = $1", app)
    async with intake(pool, feed, nats, app) as taking:
        feed.give(*room.records, again=True)
        await until(lambda: taking.taken == 3)
    expected = folded(room)
    expected.comments[ROOM, 2]["look_at"] = None
    assert await tables(pool, app) == expected


async def test_while_postgres_is_away_nothing_is_confirmed_and_nothing_is_lost(
    own_postgres: OwnPostgres, room: Room, nats: MemoryNats, feed: ScriptedFeed,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    pool = await connect(own_postgres.url, size=3, timeout=5)
    for number in range(10):
        room.post("ada", str(number))
    async with intake(pool, feed, nats, room.app) as taking:
        feed.give(*room.records[:3])
        await until(lambda: taking.taken == 3)
        await own_postgres.stop()
        feed.give(*room.records[3:])
        await until(lambda: any("waits for Postgres" in line.getMessage() for line in caplog.records))
        assert taking.taken == 3
        await own_postgres.start()
        await until(lambda: taking.taken == 10)
        assert await tables(pool, room.app) == folded(room)
    await pool.close()


async def test_while_nats_is_away_it_waits(pool: Pool, room: Room, nats: MemoryNats) -> None:
    app = room.app
    room.post("ada")
    room.post("ada")
    async with intake(pool, nats.feed(), nats, app) as taking:
        await nats.publish(room.records[0])
        await until(lambda: taking.taken == 1)
        nats.go_away()
        nats.feed().wake()
        await asyncio.sleep(0)
        nats.come_back()
        await nats.publish(room.records[1])
        await until(lambda: taking.taken == 2)
    assert await tables(pool, app) == folded(room)
