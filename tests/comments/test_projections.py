"""Folding the log gives what the projections hold, whatever was wished for in whatever batches."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comments import derived
from comments.commands import Command, DeleteComment, EditComment, Join, Leave, PostComment, SetAttributes
from comments.database import Pool
from comments.ids import uuid7
from comments.log import Outcome
from comments.model import RoomState, evolve
from comments.postgres import PostgresLog
from comments.testing import MemoryLog
from comments.views import Comment, Member
from events import decode, encode, rfc3339

ROOMS, USERS = ["a", "b.c"], ["u1", "u2", "u3"]
METAS = st.none() | st.dictionaries(st.text("ab", max_size=1), st.integers() | st.floats(0, 1), max_size=2)


BODIES = ["x", "y", "Grüße", "'\"\\ ", "@u1 👋 (@u2), @u1!", "@u3 @u4", "me@u1"]
CHANGES = st.fixed_dictionaries({}, optional={"body": st.sampled_from(BODIES), "video_meta": METAS})


@st.composite
def wishes(draw: st.DrawFn, most: int = 25) -> list[Command]:
    """Commands of several users in two rooms; changes aim at comments that were posted before."""
    commands: list[Command] = []
    posts: list[PostComment] = []
    for _ in range(draw(st.integers(1, most))):
        room, actor, user = (
            draw(st.sampled_from(ROOMS)),
            draw(st.sampled_from(USERS)),
            draw(st.sampled_from(USERS)),
        )
        kind = draw(st.sampled_from([PostComment, EditComment, DeleteComment, Join, Leave, SetAttributes]))
        common: dict[str, Any] = {"room": room, "actor": actor}
        if kind is Join or kind is Leave:
            commands.append(kind(**common, user=user))
        elif kind is SetAttributes:
            commands.append(SetAttributes(**common, attributes={"n": draw(st.integers(0, 1))}))
        elif kind is PostComment or not posts:
            content: dict[str, Any] = {
                "body": draw(st.sampled_from(BODIES)),
                "image_meta": draw(METAS),
            }
            key = draw(st.sampled_from([None, None, "k1", "k2"]))
            posts.append(PostComment(**common, comment=uuid.uuid4(), client_id=key, **content))
            commands.append(posts[-1])
        else:
            aim = draw(st.sampled_from(posts))
            common |= {"comment": aim.comment, "moderator": draw(st.booleans())}
            common["room"] = draw(st.sampled_from([aim.room, aim.room, room]))
            edited = EditComment(**common, changes=draw(CHANGES))
            commands.append(DeleteComment(**common) if kind is DeleteComment else edited)
    return commands


def cut(commands: Sequence[Command], sizes: Sequence[int]) -> list[Sequence[Command]]:
    """The commands in batches of these sizes, the last one of what is left."""
    batches, rest = [], list(commands)
    for size in sizes:
        batches.append(rest[:size])
        rest = rest[size:]
    return [batch for batch in [*batches, rest] if batch]


async def folded(pool: Pool, key: int, room: str) -> RoomState:
    state = RoomState(room)
    for row in await pool.fetch('select data from comments.events where room = $1 order by "offset"', key):
        state = evolve(state, decode(row["data"]))
    return state


async def projected(pool: Pool, row: Any) -> RoomState:
    state = RoomState(row["id"], row["head"], row["attributes"])
    for each in await pool.fetch("select * from comments.comments where room = $1", row["key"]):
        state.comments[each["id"]] = Comment(**{**each, "room": row["id"]})
    for each in await pool.fetch("select * from comments.members where room = $1", row["key"]):
        state.members[each["user"]] = Member(**each)
    return state


def told(outcome: Outcome | Exception) -> object:
    """What both logs must agree on: all but the ids and times that each gives."""
    if isinstance(outcome, Exception):
        return type(outcome)
    content = outcome.event.model_dump(exclude={"id", "at"}) if outcome.event else None
    times = {"created_at", "updated_at", "deleted_at"}
    return content, outcome.comment.model_dump(exclude=times) if outcome.comment else None


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commands=wishes(), sizes=st.lists(st.integers(1, 8), max_size=6))
async def test_fold_of_events_is_the_projection(
    pool: Pool, owner: asyncpg.Connection, commands: list[Command], sizes: list[int]
) -> None:
    app = uuid.uuid4().hex
    log, memory = PostgresLog(pool, app), MemoryLog(app)
    for batch in cut(commands, sizes):
        kept, remembered = await log.append(batch), await memory.append(batch)
        assert [told(one) for one in kept] == [told(one) for one in remembered]
    for row in await pool.fetch("select * from comments.rooms where app = $1", app):
        fold, projection = await folded(pool, row["key"], row["id"]), await projected(pool, row)
        fold.posted = {}
        assert fold == projection
        assert await derived.misnumbered(owner, [row["key"]]) == []
        for kind in derived.KINDS:
            assert [each async for each in derived.wrong(owner, kind, [row["key"]])] == []


async def test_every_event_is_in_the_outbox_with_the_bytes_that_were_logged(pool: Pool) -> None:
    log = PostgresLog(pool, "app")
    comments = [uuid7(), uuid7()]
    posts = [PostComment(room="a", actor="u1", comment=each, body="x", trace="t") for each in comments]
    edit = EditComment(room="a", actor="u1", comment=comments[0], moderator=False, changes={"body": "y"})
    outcomes = await log.append([*posts, edit])
    rows = await pool.fetch("select * from comments.outbox natural join comments.events order by 3")
    assert [row["offset"] for row in rows] == [1, 2, 3]
    for row, outcome in zip(rows, outcomes, strict=True):
        assert isinstance(outcome, Outcome)
        assert outcome.stored is not None
        assert outcome.event is not None
        assert row["data"].encode() == outcome.stored.record.data == encode(outcome.event)
        assert rfc3339(row["at"]) == outcome.stored.record.at
        assert row["partition"] == outcome.stored.partition


@pytest.mark.parametrize("writers", [2, 4])
async def test_writers_of_one_room_leave_no_gap_and_no_deadlock(pool: Pool, writers: int) -> None:
    """Each writes the same rooms in an order of its own, and rooms that are new to all."""
    logs = [PostgresLog(pool, "app") for _ in range(writers)]

    async def write(number: int) -> None:
        for turn in range(10):
            rooms = [f"room-{(number + turn * step) % 7}" for step in range(7)] + [f"new-{turn}"]
            ordered = rooms if number % 2 else list(reversed(rooms))
            batch = [PostComment(room=room, actor="u1", comment=uuid7(), body="x") for room in ordered]
            assert all(isinstance(one, Outcome) for one in await logs[number].append(batch))

    await asyncio.gather(*(write(number) for number in range(writers)))
    rows = await pool.fetch(
        'select room, count(*), min("offset"), max("offset") from comments.events group by room'
    )
    assert sum(row["count"] for row in rows) == writers * 80
    assert all((row["min"], row["max"]) == (1, row["count"]) for row in rows)


async def test_a_row_that_postgres_refuses_fails_alone(pool: Pool) -> None:
    log = PostgresLog(pool, "app")
    good = [PostComment(room="a", actor="u1", comment=uuid7(), body="x") for _ in range(2)]
    bad = PostComment(room="a", actor="u1", comment=good[0].comment, body="the same id again")
    one, refused, two = await log.append([good[0], bad, good[1]])
    assert isinstance(refused, Exception)
    assert isinstance(one, Outcome)
    assert isinstance(two, Outcome)
    assert await pool.fetchval('select array_agg("offset" order by "offset") from comments.events') == [1, 2]


async def test_text_that_postgres_cannot_hold_fails_alone(pool: Pool) -> None:
    log = PostgresLog(pool, "app")
    bodies = ["x", "\0", "y"]
    batch = [PostComment(room="a", actor="u1", comment=uuid7(), body=body) for body in bodies]
    assert [isinstance(one, Outcome) for one in await log.append(batch)] == [True, False, True]
