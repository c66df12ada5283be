"""The port `EventFeed`: in memory and for real."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from contract.outage import Outage
from contract.ports import Nats
from contract.recording import PATIENCE, record
from servers import OwnNats

from events import Record, StreamError, storage, subjects
from events.feed import EventFeed, Received
from events.jetstream import connect
from events.testing import MemoryNats
from parley_cli.datadir import DataDir


@pytest.fixture
def feed(nats: Nats) -> EventFeed:
    return nats.feed()


async def publish(nats: Nats, *records: Record) -> None:
    await asyncio.gather(*[await nats.publish(each) for each in records])


def numbered(app: str, count: int) -> list[Record]:
    return [record(app, offset=offset) for offset in range(1, count + 1)]


async def take(feed: EventFeed, app: str, most: int = 100, wait: float = 5) -> Sequence[Received]:
    return await feed.take(app, f"notifier-{app}", most, wait)


def offsets(received: Sequence[Received]) -> list[int]:
    return [each.record.offset for each in received]


async def test_events_are_taken_in_order_as_they_were_published(
    nats: Nats, feed: EventFeed, app: str
) -> None:
    records = [
        record(app, "lobby", 1, trace="00-1-2-01"),
        record(app, "a.b", 1, type="member.joined"),
        record(app, "a,b;c=@d", 7, epoch="e2"),
        record(app, "lobby", 2),
    ]
    await publish(nats, *records)
    taken = await take(feed, app)
    assert [each.record for each in taken] == records
    assert not any(each.again for each in taken)


async def test_events_that_are_older_than_the_consumer_are_taken(
    nats: Nats, feed: EventFeed, app: str
) -> None:
    await publish(nats, *numbered(app, 3))
    assert offsets(await take(feed, app)) == [1, 2, 3]
    assert offsets(await feed.take(app, f"another-{app}", 10, 5)) == [1, 2, 3]


async def test_no_more_are_taken_than_are_asked_for(nats: Nats, feed: EventFeed, app: str) -> None:
    await publish(nats, *numbered(app, 10))
    assert [offsets(await take(feed, app, most)) for most in (3, 3, 100)] == [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9, 10],
    ]


async def test_where_there_are_none_the_next_one_is_waited_for(nats: Nats, feed: EventFeed, app: str) -> None:
    assert await take(feed, app, wait=0.01) == []
    waiting = asyncio.create_task(take(feed, app, wait=60))
    await asyncio.sleep(0)
    await publish(nats, record(app))
    assert offsets(await waiting) == [1]


async def test_events_of_another_app_are_not_taken(nats: Nats, feed: EventFeed, app: str) -> None:
    other = f"{app}-other"
    await publish(nats, record(other, "theirs"), record(app, "ours"))
    assert [each.record.room for each in await take(feed, app)] == ["ours"]
    assert [each.record.room for each in await take(feed, other)] == ["theirs"]


async def test_several_takers_share_what_there_is(nats: Nats, feed: EventFeed, app: str) -> None:
    await publish(nats, *numbered(app, 60))
    shares = await asyncio.gather(*[take(feed, app, 20) for _ in range(3)])
    assert sorted(offsets(list(itertools.chain(*shares)))) == list(range(1, 61))


async def test_what_was_confirmed_does_not_come_again(nats: Nats, feed: EventFeed, app: str) -> None:
    await publish(nats, *numbered(app, 3))
    await feed.confirm(await take(feed, app))
    await feed.confirm([])
    assert await take(feed, app, wait=0.01) == []


async def test_what_was_not_confirmed_comes_again_and_says_so(
    nats: Nats, feed: EventFeed, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 1.0)
    await publish(nats, *numbered(app, 3))
    first = await take(feed, app)
    await feed.confirm(first[:1])
    again = await take(feed, app, most=2)
    assert [(each.record.offset, each.again) for each in again] == [(2, True), (3, True)]


async def test_a_message_that_is_no_event_is_left_out_and_never_comes_again(
    nats: Nats, feed: EventFeed, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 1.0)
    await nats.send(subjects.event(app, "lobby", "comment.posted"), b"{}")
    await nats.send(subjects.events(app).replace(">", "short"), b"{}")
    await publish(nats, record(app))
    taken = list(await take(feed, app))
    await feed.confirm(taken)
    while not taken:
        taken += await take(feed, app)
    assert offsets(taken) == [1]
    assert await take(feed, app, wait=1.5) == []


async def test_thousands_are_taken(nats: Nats, feed: EventFeed, app: str) -> None:
    await publish(nats, *numbered(app, 3_000))
    taken: list[int] = []
    while len(taken) < 3_000:
        some = await take(feed, app, 500)
        await feed.confirm(some)
        taken += offsets(some)
    assert taken == list(range(1, 3_001))


async def test_of_large_events_fewer_are_taken_at_once(nats: Nats, feed: EventFeed, app: str) -> None:
    large = [replace(each, data=b" " * 900_000) for each in numbered(app, 12)]
    await publish(nats, *large)
    taken: list[int] = []
    while len(taken) < 12:
        taken += offsets(await take(feed, app))
    assert taken == list(range(1, 13))


async def test_while_the_server_is_away_it_says_so_and_nothing_is_lost(outage: Outage, app: str) -> None:
    feed = outage.nats.feed()
    await publish(outage.nats, *numbered(app, 3))
    first = await take(feed, app, 2)
    await outage.begin()
    with pytest.raises(StreamError):
        await take(feed, app)
    with pytest.raises(StreamError):
        await feed.confirm(first)
    await outage.end()
    assert 3 in await eventually(feed, app, 3)


async def eventually(feed: EventFeed, app: str, last: int) -> list[int]:
    """What is taken until the last one is, whatever is away meanwhile."""
    taken: list[int] = []
    async with asyncio.timeout(PATIENCE * 3):
        while last not in taken:
            try:
                taken += offsets(await take(feed, app, wait=0.5))
            except StreamError:
                await asyncio.sleep(0.05)
    return taken


@dataclass
class Doomed:
    """A stream that can be deleted."""

    nats: Nats
    delete: Callable[[], Awaitable[object]]


@asynccontextmanager
async def in_memory(_: Path) -> AsyncIterator[Doomed]:
    memory = MemoryNats()

    async def delete() -> None:
        memory.shelf = None

    yield Doomed(memory, delete)


@asynccontextmanager
async def for_real(directory: Path) -> AsyncIterator[Doomed]:
    with DataDir(directory) as datadir:
        server = OwnNats(datadir)
        await server.start()
        try:
            async with connect(server.url, name="doomed") as real:
                await real.ensure_stream()
                yield Doomed(real, lambda: real._client.jsm().delete_stream(subjects.STREAM))
        finally:
            await server.stop()


@pytest.fixture(params=[in_memory, for_real], ids=["memory", "jetstream"])
async def doomed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doomed]:
    async with request.param(tmp_path / "nats") as doomed:
        yield doomed


async def test_of_a_stream_that_was_deleted_and_filled_again_all_is_taken_again(
    doomed: Doomed, app: str
) -> None:
    feed = doomed.nats.feed()
    await publish(doomed.nats, *numbered(app, 3))
    await feed.confirm(await take(feed, app))
    await doomed.delete()
    with pytest.raises(StreamError):
        await take(feed, app)
    await doomed.nats.contents().ensure_stream()
    await publish(doomed.nats, *[record(app, offset=offset, refill=1) for offset in range(1, 5)])
    assert await eventually(feed, app, 4) == [1, 2, 3, 4]
