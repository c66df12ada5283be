"""`projections rebuild`: whatever was done to them, and whatever happens meanwhile, they become the fold."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest
from operated import Operated, post

from comments import derived, folds, rebuild, scan
from comments.commands import Command, DeleteComment, EditComment, Join, Leave, SetAttributes
from comments.ids import uuid7
from comments.postgres import PostgresLog
from comments.rebuild import Rebuilt


async def rebuilt(operated: Operated, room: str | None = None) -> Rebuilt:
    app = operated.app if room else None
    return await rebuild.rebuild(operated.database_url, lambda *_: None, app, room)


async def test_what_is_right_is_left_alone(operated: Operated) -> None:
    for room in ("a", "b"):
        await operated.conversation(room)
    done = await rebuilt(operated)
    assert (done.rooms, done.events, done.changed, done.problems) == (2, 32, 0, 0)


AT = 'where "offset" = '
SET = "update comments.comments set"
MEMBERS, ROOMS = "comments.members", "comments.rooms"
DAMAGES = {
    "everything is gone": f"truncate comments.comments, {MEMBERS}; update {ROOMS} set attributes = null",
    "a row was deleted": f"delete from comments.comments {AT} 2",
    "a body is wrong": f"{SET} body = 'x' {AT} 4",
    "an edit is lost": f"{SET} body = 'hello', updated_at = null {AT} 2",
    "a deletion is lost": f"{SET} body = 'hello', deleted_at = null {AT} 3",
    "a row has another place": f'{SET} "offset" = 12 {AT} 4',
    "a row is beyond the log": f'{SET} "offset" = 99 {AT} 4',
    "a row is in another room": f'{SET} room = 1, "offset" = 50, client_id = null {AT} 4 and room = 2',
    "a row has another id": f"{SET} id = gen_random_uuid() {AT} 4",
    "an author is wrong": f"{SET} author = 'x' {AT} 4",
    "two swapped their keys": f"{SET} client_id = null {AT} 4; {SET} client_id = 'k2', author = 'u0' {AT} 5",
    "a key is lost": f"{SET} client_id = null {AT} 4",
    "a later row has the key": f"{SET} client_id = null {AT} 4; {SET} client_id = 'k2' {AT} 9",
    "a member is lost": f"delete from {MEMBERS} where name = 'Nine'",
    "a member is too many": f"insert into {MEMBERS} select key, 'ghost', null, null, now() from {ROOMS}",
    "a member is another": f"update {MEMBERS} set name = 'Ten', joined_at = now() where name = 'Nine'",
    "attributes are wrong": "update comments.rooms set attributes = '{}'",
    "a head is behind": "update comments.rooms set head = head - 1",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_what_is_wrong_is_mended(operated: Operated, damage: str) -> None:
    for room in ("a", "b"):
        await operated.conversation(room)
    await operated.owner.execute(damage)
    assert await operated.verify()
    assert (await rebuilt(operated)).changed
    assert await operated.verify() == []
    assert (await rebuilt(operated)).changed == 0


TALLIES = "comments.deletions"
WRONG = {
    "a mention is lost": f"{SET} mentions = '[]' {AT} 17",
    "a mention is none": f"{SET} mentions = '{{}}' {AT} 17",
    "the index of mentions is lost": "truncate comments.mentions",
    "the index has another": "update comments.mentions set \"user\" = 'u1'",
    "the index has one too many": "insert into comments.mentions select key, 'u9', 4 from comments.rooms",
    "a number is wrong": f"{SET} number = 7 {AT} 5",
    "all numbers are lost": f"{SET} number = 0, author_number = 0",
    "an author's numbers are wrong": f"{SET} author_number = author_number + 1 where author = 'u9'",
    "all tallies are lost": f"truncate {TALLIES}",
    "a tally is wrong": f"update {TALLIES} set count = 5 where bucket = 18",
    "an author's tallies are lost": f"delete from {TALLIES} where author = 'u9'",
    "a tally is too many": f"insert into {TALLIES} select key, 'u9', 1, 3, 1 from comments.rooms",
    "a member has no receipts": "delete from comments.receipts where \"user\" = 'u9'",
    "nobody has receipts": "insert into comments.receipts select key, 'ghost', 1, 1 from comments.rooms",
    "everything is gone": f"""
        truncate comments.comments, {MEMBERS}, {TALLIES}, comments.mentions, comments.receipts
    """,
}


@pytest.mark.parametrize("damage", WRONG.values(), ids=WRONG.keys())
async def test_what_is_derived_is_mended(operated: Operated, damage: str) -> None:
    for room in ("a", "b"):
        await operated.conversation(room)
        await operated.reactions(room)
    await operated.owner.execute(damage)
    assert await operated.verify()
    assert (await rebuilt(operated)).changed
    assert await operated.verify() == []
    assert (await rebuilt(operated)).changed == 0


async def test_receipts_of_members_survive_and_missing_ones_begin_at_the_head(operated: Operated) -> None:
    await operated.conversation()
    await operated.owner.execute("update comments.receipts set read = 3, delivered = 5, newcomer = false")
    await operated.owner.execute(f"truncate {MEMBERS}; delete from comments.receipts where \"user\" = 'u9'")
    await rebuilt(operated)
    query = "select distinct \"user\" = 'u9', read, delivered, newcomer from comments.receipts"
    rows = await operated.owner.fetch(query)
    assert sorted(map(tuple, rows)) == [(False, 3, 5, False), (True, 16, 16, True)]


async def test_tallies_and_numbers_of_a_large_room_are_mended_in_parts(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "BATCH", 7)
    monkeypatch.setattr(derived, "PAGE", 5)
    ids = await operated.conversation("a", posts=200)
    delete = [DeleteComment(room="a", actor="u1", moderator=True, comment=each) for each in ids[::3]]
    await operated.write(delete)
    await operated.owner.execute(f"truncate {TALLIES}; {SET} number = 3, author_number = 3")
    assert (await rebuilt(operated)).derived > 200
    assert await operated.verify() == []


async def test_it_says_how_many_rows_it_changed(operated: Operated) -> None:
    await operated.conversation()
    await operated.owner.execute(f"delete from comments.comments {AT} 2; {SET} body = 'x' {AT} 4")
    await operated.owner.execute(f"delete from {MEMBERS} where name = 'Nine'")
    done = await rebuilt(operated)
    assert (done.comments, done.members, done.heads) == (2, 1, 0)


async def test_only_the_room_that_was_named_is_rebuilt(operated: Operated) -> None:
    for room in ("a", "b"):
        await operated.conversation(room)
    await operated.owner.execute("truncate comments.comments")
    assert (await rebuilt(operated, "a")).comments == 10
    assert {finding.room for finding in await operated.verify()} == {"b"}


async def test_a_large_room_is_rebuilt_in_parts(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "WINDOW", 7)
    monkeypatch.setattr(folds, "MEMBERS", 5)
    monkeypatch.setattr(rebuild, "BATCH", 3)
    await operated.write([Join(room="a", actor=f"m{n}", user=f"m{n}") for n in range(40)])
    await operated.conversation("a", posts=30)
    await operated.owner.execute(DAMAGES["everything is gone"])
    assert (await rebuilt(operated)).changed
    assert await operated.verify() == []


async def test_a_key_that_was_used_again_while_it_was_lost_belongs_to_the_first(operated: Operated) -> None:
    """Without the row, a repeated post is not recognised: both are in the log, and neither is lost."""
    comment = uuid7()
    await operated.write([post("a", comment, key="k1")])
    await operated.owner.execute("truncate comments.comments")
    await operated.write([replace(post("a", comment, key="k1"), comment=uuid7())])
    await rebuilt(operated)
    assert await operated.verify() == []
    rows = await operated.owner.fetch('select "offset", client_id from comments.comments order by 1')
    assert [tuple(row) for row in rows] == [(1, "k1"), (2, None)]


async def test_a_log_that_is_not_whole_is_counted_and_does_not_stop_it(operated: Operated) -> None:
    await operated.conversation()
    await operated.owner.execute(f"delete from comments.events {AT} 5")
    await operated.owner.execute("update comments.events set data = '[]' where type = 'comment.edited'")
    done = await rebuilt(operated)
    assert done.problems == 2
    assert done.comments == 2


async def test_a_head_that_is_ahead_of_its_log_is_left(operated: Operated) -> None:
    """Its events are lost: were their offsets given again, clients that saw them would miss the new ones."""
    await operated.conversation()
    await operated.owner.execute(f"delete from comments.events {AT} 16")
    await rebuilt(operated)
    assert await operated.owner.fetchval("select head from comments.rooms") == 16


HEADS = "select from comments.rooms order by id for update"
"""The damage is done between writes: it shall not deadlock with them."""


NEEDED = {"a head is behind", "a mention is none"}
"""Damages of what whoever writes has to read: they would be refused until it is mended."""


async def test_it_repairs_while_everybody_writes(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "WINDOW", 50)
    monkeypatch.setattr(rebuild, "BATCH", 10)
    ids = [each for room in "ab" for each in await operated.conversation(room, posts=100)]
    enough = asyncio.Event()
    log = PostgresLog(operated.pool, operated.app)

    async def write() -> None:
        while not enough.is_set():
            await log.append([wish(random.choice("ab"), random.choice(ids)) for _ in range(5)])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(write())
        for name, damage in [*DAMAGES.items(), *WRONG.items()]:
            if name not in NEEDED:
                with suppress(asyncpg.UniqueViolationError):  # somebody posted where the damage was to be
                    async with operated.owner.transaction():
                        await operated.owner.execute(f"{HEADS}; {damage}")
            await rebuilt(operated)
        enough.set()
    await rebuilt(operated)
    assert [each for each in await operated.verify() if each.part != "stream"] == []


def wish(room: str, comment: UUID) -> Command:
    """Somebody wants something; it may be refused."""
    user = f"u{random.randrange(12)}"
    wishes: list[Command] = [
        post(room, body=random.choice(["hello", f"@{user}"]), key=random.choice([None, "k1", "k2"])),
        EditComment(
            room=room, actor="u1", comment=comment, moderator=True, changes={"body": str(random.random())}
        ),
        DeleteComment(room=room, actor="u1", comment=comment, moderator=True),
        Join(room=room, actor=user, user=user, name="Somebody"),
        Leave(room=room, actor=user, user=user),
        SetAttributes(room=room, actor="u1", attributes={"n": random.random()}),
    ]
    return random.choice(wishes)
