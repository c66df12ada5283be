"""What is unread, found by a few looks into indexes, is what counting would find."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comments import projections
from comments import unread as unread_module
from comments.commands import Command, DeleteComment, EditComment, Join, Leave, PostComment
from comments.database import Pool
from comments.ids import uuid7
from comments.log import Outcome
from comments.model import RoomState, evolve
from comments.postgres import PostgresLog
from comments.unread import ENTRIES, UnreadReader
from events import CommentPosted, Event, MemberJoined, MemberLeft, decode
from events.receipts import RoomUnread

USERS = ["u1", "u2", "u3"]
BODIES = ["x", "@u1", "hi @u2, @u3", "@u3"]


@dataclass
class Naive:
    """A room that is folded whole, and counted."""

    state: RoomState
    read: dict[str, int] = field(default_factory=dict)
    """Watermarks of the members."""
    offsets: list[int] = field(default_factory=list)
    """Of all events."""

    def take(self, event: Event) -> None:
        before = set(self.state.members)
        self.offsets.append(event.offset)
        self.state = evolve(self.state, event)
        match event:
            case CommentPosted() | MemberJoined():
                for user in self.state.members.keys() - before:
                    self.read[user] = event.offset
            case MemberLeft():
                del self.read[event.user]

    def unread(self, user: str) -> list[RoomUnread]:
        if user not in self.read:
            return []
        read = self.read[user]
        new = [c for c in self.state.comments.values() if c.offset > read and c.author != user]
        left = [comment for comment in new if comment.deleted_at is None]
        mentioned = any(mention.user == user for comment in left for mention in comment.mentions)
        head, room = self.state.head, self.state.room
        return [RoomUnread(room=room, head=head, read=read, unread=len(left), mentioned=mentioned)]


Step = tuple[str, str, int, str]
"""What happens, who does it, to the how-manieth comment or up to which event, and the body."""

KINDS = ["post", "post", "post", "edit", "edit", "delete", "delete", "join", "leave", "read", "jump", "jump"]
JUMPS = [30, 40, 2_000, 64**3]
JOINS: list[Step] = [("join", user, 0, "") for user in USERS]
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(USERS), st.integers(0, 30), st.sampled_from(BODIES)),
    min_size=8,
    max_size=60,
)


def wish(step: Step, posts: Sequence[PostComment]) -> Command | None:
    kind, user, which, body = step
    common: dict[str, Any] = {"room": "a", "actor": user}
    if kind == "join":
        return Join(**common, user=user)
    if kind == "leave":
        return Leave(**common, user=user)
    if kind == "post":
        return PostComment(**common, comment=uuid7(), body=body)
    if not posts:
        return None
    common |= {"comment": posts[which % len(posts)].comment, "moderator": True}
    return DeleteComment(**common) if kind == "delete" else EditComment(**common, changes={"body": body})


async def read(pool: Pool, app: str, user: str, offset: int) -> None:
    await pool.execute(
        """
        update comments.receipts set read = greatest(read, $3), delivered = greatest(delivered, $3)
        where "user" = $2 and room = (select key from comments.rooms where app = $1)
        """,
        app,
        user,
        offset,
    )


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, size=st.integers(1, 8))
async def test_what_is_unread_is_what_counting_finds(pool: Pool, steps: list[Step], size: int) -> None:
    app = uuid.uuid4().hex
    log, reader, naive = PostgresLog(pool, app), UnreadReader(pool, app), Naive(RoomState("a"))
    posts: list[PostComment] = []
    waiting: list[Command] = []

    async def write() -> None:
        for outcome in await log.append(waiting) if waiting else []:
            if isinstance(outcome, Outcome) and outcome.event is not None:
                naive.take(outcome.event)
        waiting.clear()

    for step in [*JOINS, *steps]:
        kind, user, which, _ = step
        if kind in ("read", "jump"):
            await write()
        if kind == "jump":  # as if much had happened in between
            naive.state.head += JUMPS[which % len(JUMPS)]
            await pool.execute("update comments.rooms set head = $2 where app = $1", app, naive.state.head)
        elif kind == "read" and user in naive.read:
            offset = max(naive.read[user], naive.offsets[which % len(naive.offsets)])
            await read(pool, app, user, offset)
            naive.read[user] = offset
        elif (command := wish(step, posts)) is not None:
            waiting.append(command)
            posts += [command] if isinstance(command, PostComment) else []
        if len(waiting) >= size:
            await write()
    await write()
    expected = {user: naive.unread(user) for user in USERS}
    assert await reader.members("a", USERS) == expected
    assert await reader.rooms(USERS, 10) == expected


LARGE = """
    insert into comments.rooms (app, id, epoch, head) values ('app', 'a', 'e', 200000);
    insert into comments.members (room, "user", joined_at)
    select key, 'u' || n, now() from comments.rooms cross join generate_series(0, 9) as n;
    insert into comments.receipts (room, "user", delivered, read)
    select room, "user", 200000, 200000 from comments.members;
    insert into comments.comments
        (id, room, "offset", author, body, created_at, number, author_number, deleted_at)
    select gen_random_uuid(), key, n, 'u' || n % 10, 'hello', now(), n, (n + 9) / 10,
        case when n % 3 = 0 then now() end
    from comments.rooms cross join generate_series(1, 200000) as n;
    insert into comments.mentions (room, "user", "offset")
    select room, 'u2', "offset" from comments.comments where "offset" % 50 = 1 and deleted_at is null;
    insert into comments.deletions (room, author, level, bucket, count)
    select room, whose.author, level, "offset" >> 6 * level, count(*)
    from comments.comments as comment
    cross join lateral (values (''), (comment.author)) as whose (author)
    cross join generate_series(0, 10) as level
    where deleted_at is not null and "offset" >> 6 * level > 0 group by 1, 2, 3, 4;
"""
"""200,000 comments of ten people: every third one is deleted, some mention `u2`."""


async def blocks(owner: asyncpg.Connection, query: str, *values: object) -> int:
    """Of 8 kB that Postgres looks at to answer."""
    row = await owner.fetchval(f"explain (analyze, buffers, timing off, format json) {query}", *values)
    plan = json.loads(row)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("analyzed", [True, False], ids=["with statistics", "without statistics"])
async def test_it_costs_the_same_however_much_is_unread(owner: asyncpg.Connection, analyzed: bool) -> None:
    await owner.execute("alter table comments.comments set (autovacuum_enabled = false)")
    await owner.execute(LARGE)
    if analyzed:
        await owner.execute("analyze")
    costs = []
    for unread in (0, 10, 1_000, 100_000, 199_999):
        await owner.execute("update comments.receipts set read = 200000 - $1::bigint", unread)
        costs.append(await blocks(owner, unread_module._MEMBERS, "app", "a", ["u2"]))
        costs.append(await blocks(owner, unread_module._ROOMS, "app", ["u2"], "", 100, 100))
    assert max(costs) < 150, costs


async def test_what_is_unread_of_a_large_room_is_right(owner: asyncpg.Connection, pool: Pool) -> None:
    await owner.execute(LARGE)
    for read in (0, 1, 63, 64, 4_095, 4_096, 77_777, 199_950, 199_999, 200_000):
        await owner.execute("update comments.receipts set read = $1", read)
        counted = await owner.fetchval(
            """
            select count(*) from comments.comments
            where "offset" > $1 and author <> 'u2' and deleted_at is null
            """,
            read,
        )
        [found] = (await UnreadReader(pool, "app").members("a", ["u2"]))["u2"]
        assert found.unread == counted


MANY = """
    insert into comments.rooms (app, id, epoch)
    select 'app', 'room-' || n, 'e' from generate_series(1, 150) as n;
    insert into comments.members (room, "user", joined_at)
    select key, 'u' || n, now() from comments.rooms cross join generate_series(1, 30) as n
"""


async def test_of_too_many_rooms_none_is_answered(owner: asyncpg.Connection, pool: Pool) -> None:
    await owner.execute(MANY)
    reader = UnreadReader(pool, "app")
    users = [f"u{number}" for number in range(1, 31)]
    assert await reader.rooms(users, 1_000) is None
    found = await reader.rooms(users, ENTRIES // 30)
    assert found is not None
    assert {len(rooms) for rooms in found.values()} == {ENTRIES // 30}
    assert len(await reader.page("u1", "room-50", 100)) == 53


async def test_rooms_of_another_app_are_not_counted(owner: asyncpg.Connection, pool: Pool) -> None:
    await owner.execute(MANY)
    reader = UnreadReader(pool, "other")
    assert await reader.rooms(["u1"], 10) == {"u1": []}
    assert await reader.members("room-1", ["u1"]) == {"u1": []}


async def test_a_second_deletion_is_not_tallied(pool: Pool, owner: asyncpg.Connection) -> None:
    comment = uuid7()
    post = PostComment(room="a", actor="u1", comment=comment, body="x")
    delete = DeleteComment(room="a", actor="u1", comment=comment, moderator=False)
    await PostgresLog(pool, "app").append([post, delete])
    [event] = [decode(row["data"]) for row in await pool.fetch(DELETED)]
    async with pool.acquire() as connection:
        await projections.apply(connection, 1, event)
    assert await owner.fetchval("select array_agg(count) from comments.deletions") == [1, 1]


DELETED = "select data from comments.events where type = 'comment.deleted'"
