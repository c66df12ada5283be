"""`log verify`: silent where all is well, exact where it is not."""

import asyncio
import random
from dataclasses import replace
from uuid import uuid4

import nats
import pytest
from operated import Operated, post

from comments import folds, scan
from comments.commands import Join
from comments.findings import Findings


async def test_a_log_that_is_whole_has_no_findings(operated: Operated) -> None:
    for room in ("a", "b.c", "empty"):
        await operated.conversation(room)
    await operated.owner.execute(
        "insert into comments.rooms (app, id, epoch) select $1, 'silent', epoch from comments.log",
        operated.app,
    )
    assert await operated.verify() == []
    assert operated.seen is not None
    assert (operated.seen.rooms, operated.seen.events, operated.seen.streamed) == (4, 48, 48)


async def test_a_database_without_a_room_has_no_findings(operated: Operated) -> None:
    assert await operated.verify() == []


AT = 'where "offset" = '
SET = "update comments.comments set"

BROKEN_PROJECTIONS = [
    (f"delete from comments.comments {AT} 2", "room lobby, offset 2, the comment", "is missing"),
    (f"{SET} body = 'x' {AT} 4", "offset 4", "body is 'x', the log says 'hello'"),
    (f"{SET} body = 'x' {AT} 2", "offset 2", "body is 'x', the log says 'edited'"),
    (f"{SET} deleted_at = null {AT} 3", "offset 3", "deleted_at is nothing"),
    (f"{SET} client_id = null {AT} 4", "offset 4", "client_id is nothing, the log says 'k2'"),
    (f'{SET} "offset" = 12 {AT} 4', "offset 12", "which the log does not have"),
    (f'{SET} "offset" = 99 {AT} 4', "offset 99", "which the log does not have"),
    ("insert into comments.members values (1, 'ghost', null, null, now())", "the member ghost is there", ""),
    ("delete from comments.members where \"user\" = 'u9'", "the member u9 is missing", ""),
    ("update comments.members set name = 'Ten' where name = 'Nine'", "is 'Ten', the log says 'Nine'", ""),
    ("update comments.rooms set attributes = '{}'", "its attributes are {}", r"{'title': 'Gr\xfc\xdfe'"),
    ("update comments.rooms set attributes = null", "its attributes are nothing", ""),
    ("drop index comments.comments_by_client_id", "repeated posts are not recognised", ""),
]


@pytest.mark.parametrize(("damage", "where", "what"), BROKEN_PROJECTIONS)
async def test_a_projection_that_is_not_the_fold_is_found(
    operated: Operated, damage: str, where: str, what: str
) -> None:
    await operated.conversation()
    await operated.owner.execute(damage)
    lines = [finding.line for finding in await operated.verify()]
    assert any(where in line and what in line for line in lines), lines
    assert all(line.startswith("projections: ") for line in lines)


SET = "update comments.events set"
REPLACE = f"{SET} data = replace(data::text, "

BROKEN_LOGS = [
    (f"delete from comments.events {AT} 5", "room lobby, offset 5: no such events"),
    ('delete from comments.events where "offset" in (5, 6, 7)', "offsets 5 to 7: no such events"),
    (f"delete from comments.events {AT} 16", "its head is 16, its last event has offset 15"),
    ("update comments.rooms set head = 15", "its head is 15, its last event has offset 16"),
    ("update comments.rooms set epoch = 'other'", "its epoch is other, the log's is"),
    (f"{SET} actor = 'x' {AT} 4", "offset 4, its column actor is x, its data says"),
    (f"{SET} data = '[]' {AT} 4", "offset 4, is no event that this version can read: '[]'"),
    (f"{REPLACE} 'lobby', 'b')::json {AT} 4", "offset 4, its data says that it belongs to the room b"),
    (
        f"{REPLACE} data ->> 'comment', '0198c6f2-7d1b-7000-8000-000000000000')::json {AT} 12",
        "offset 12, changes a comment that was not posted before",
    ),
    (f"{REPLACE} 'u8', 'u7')::json {AT} 16", "offset 16, u7 leaves, who is no member"),
]


@pytest.mark.parametrize(("damage", "line"), BROKEN_LOGS)
async def test_a_log_that_is_not_whole_is_found(operated: Operated, damage: str, line: str) -> None:
    await operated.conversation()
    await operated.owner.execute(damage)
    lines = [finding.line for finding in await operated.verify() if finding.part == "log"]
    assert any(line in each for each in lines), lines


async def test_an_outbox_row_that_leads_nowhere_is_found(operated: Operated) -> None:
    [stored] = await operated.write([post("lobby")], published=False)
    await operated.owner.execute(
        "insert into comments.outbox values ($1, $2, 7)", stored.partition, stored.key
    )
    await operated.owner.execute(
        'update comments.outbox set partition = (partition + 1) % 32 where "offset" = 1'
    )
    lines = [finding.line for finding in await operated.verify()]
    right = stored.partition
    assert lines == [
        f"outbox: room key {stored.key}, offset 7: the log has no such event",
        f"outbox: room lobby waits in partition {(right + 1) % 32}, it belongs to {right}",
    ]


# The stream


async def test_what_waits_in_the_outbox_is_not_missing_from_the_stream(operated: Operated) -> None:
    await operated.conversation()
    await operated.write([post("lobby"), post("new")], published=False)
    assert await operated.verify() == []


async def test_what_the_stream_lost_is_found(operated: Operated) -> None:
    stored = await operated.write([post("lobby") for _ in range(20)], published=False)
    await operated.publish([*stored[:4], *stored[7:15]])
    await operated.owner.execute("delete from comments.outbox")
    await operated.write([post("whole") for _ in range(20)])
    lines = [finding.line for finding in await operated.verify()]
    assert lines == [
        "stream: room lobby, the stream lacks offsets 5 to 7",
        "stream: room lobby, the stream lacks offsets 16 to 20",
    ]


async def test_what_is_too_old_for_the_stream_is_not_missing(operated: Operated) -> None:
    await operated.write([post("lobby") for _ in range(5)], published=False)
    await operated.owner.execute("update comments.events set at = at - interval '31 days'")
    await operated.owner.execute("delete from comments.outbox")
    findings = await operated.verify()
    assert {finding.part for finding in findings} == {"log"}


async def test_a_repeat_in_the_stream_is_counted_and_no_finding(operated: Operated) -> None:
    stored = await operated.write([post("lobby") for _ in range(3)])
    await publish(operated, stored[1].record.subject, stored[1].record.data, stored[1].record.headers())
    assert await operated.verify() == []
    assert operated.seen is not None
    assert operated.seen.repeats == 1


async def publish(operated: Operated, subject: str, data: bytes, headers: dict[str, str]) -> None:
    """As somebody else would, past the stream's memory of message ids."""
    connection = await nats.connect(operated.nats_url)
    await connection.jetstream().publish(subject, data, headers={**headers, "Nats-Msg-Id": str(uuid4())})
    await connection.close()


async def test_an_event_in_the_wrong_place_is_found(operated: Operated) -> None:
    stored = await operated.write([post("lobby") for _ in range(6)], published=False)
    await operated.publish([stored[each] for each in (0, 3, 1, 2, 4, 5)])
    lines = [finding.line for finding in await operated.verify()]
    assert lines == ["stream: room lobby, offset 2, 2 events come too late, the first after offset 4"]


async def test_an_event_with_other_bytes_is_found(operated: Operated) -> None:
    [stored] = await operated.write([post("lobby")], published=False)
    false = replace(stored.record, data=stored.record.data.replace(b'"hello"', b'"HELLO"'))
    await (await operated.stream.publish(false))
    await operated.owner.execute("delete from comments.outbox")
    [finding] = await operated.verify()
    assert "room lobby, offset 1, message" in finding.line
    assert "HELLO" in finding.line
    assert "hello" in finding.line


async def test_a_log_that_is_behind_the_stream_is_found_and_what_to_do(operated: Operated) -> None:
    stored = await operated.write([post("lobby") for _ in range(5)])
    last = stored[-1].record
    for offset in (6, 7):
        await (await operated.stream.publish(replace(last, offset=offset, id=uuid4())))
    await (await operated.stream.publish(replace(last, room="vanished", offset=1, id=uuid4())))
    findings = await operated.verify()
    assert [finding.line.partition(", the log has not")[0] for finding in findings] == [
        "stream: room lobby, the stream has offsets 6 to 7",
        "stream: room vanished, the stream has offset 1",
    ]
    assert all("was a backup restored? Then run: parley log restored" in finding.line for finding in findings)


async def test_messages_of_another_epoch_are_found(operated: Operated) -> None:
    stored = await operated.write([post("lobby") for _ in range(3)])
    await (await operated.stream.publish(replace(stored[0].record, epoch="older")))
    [finding] = await operated.verify()
    assert "are of the epoch older" in finding.line


async def test_a_message_that_is_no_event_is_found(operated: Operated) -> None:
    await publish(operated, f"events.{operated.app}.lobby.x.y", b"?", {})
    await operated.write([post("lobby")])
    [finding] = await operated.verify()
    assert "is no event" in finding.line


# While the system runs, and beyond what fits into memory


async def test_posts_meanwhile_are_no_findings(operated: Operated) -> None:
    enough = asyncio.Event()

    async def keep_posting() -> None:
        while not enough.is_set():
            await operated.write(
                [post(random.choice("abc")) for _ in range(20)], published=random.random() < 0.8
            )

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_posting())
        for _ in range(5):
            await asyncio.sleep(0.1)
            assert await operated.verify() == []
        enough.set()


async def test_a_room_of_more_than_one_window_is_folded_in_parts(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "WINDOW", 7)
    for room in ("a", "b"):
        ids = await operated.conversation(room, posts=30)
    await operated.conversation("c", posts=2)
    assert await operated.verify() == []
    await operated.owner.execute("update comments.comments set body = 'x' where id = $1", ids[0])
    await operated.owner.execute("delete from comments.comments where id = $1", ids[29])
    assert [(each.room, each.offset) for each in await operated.verify()] == [("b", 2), ("b", 31)]


async def test_members_beyond_what_is_held_at_once_are_compared_share_by_share(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "MEMBERS", 5)
    await operated.write([Join(room="a", actor=f"m{n}", user=f"m{n}") for n in range(40)])
    await operated.conversation("a")
    assert await operated.verify() == []
    await operated.owner.execute("delete from comments.members where \"user\" in ('m3', 'm17')")
    await operated.owner.execute("insert into comments.members values (1, 'ghost', null, null, now())")
    said = {each.said for each in await operated.verify() if "the receipts of" not in each.said}
    assert said == {
        "the member m3 is missing",
        "the member m17 is missing",
        "the member ghost is there, which the log does not have",
    }


async def test_no_more_findings_are_kept_than_were_asked_for(operated: Operated) -> None:
    await operated.conversation()
    await operated.owner.execute("truncate comments.comments, comments.members")
    assert len(await operated.verify(most=3)) == 3


def test_findings_beyond_the_limit_are_counted() -> None:
    findings = Findings(0)
    assert (findings.kept, findings.count) == ([], 0)
