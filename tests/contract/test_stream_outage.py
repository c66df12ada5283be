"""The same ports while their server is away: in memory, and a NATS that is killed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from contract.outage import Outage
from contract.ports import Nats
from contract.recording import Heard, record
from nats.errors import SlowConsumerError
from servers import OwnNats

from events import Held, NoAnswer, NotPublished, Record, Rejected, StreamError
from events.jetstream import Nats as RealNats
from events.jetstream import connect
from events.testing import MemoryNats


async def test_what_cannot_be_handed_over_says_so(outage: Outage, app: str) -> None:
    await outage.begin()
    with pytest.raises(NotPublished):
        await (await outage.nats.publish(record(app)))
    with pytest.raises(NoAnswer):
        await outage.nats.request(f"{app}.ask", b"", 0.1)
    with pytest.raises(StreamError):
        await outage.nats.send(f"{app}.signal", b"")
    with pytest.raises(StreamError):
        await outage.nats.announce(record(app))
    with pytest.raises(StreamError):
        await outage.nats.contents().bounds()


async def test_after_an_outage_it_goes_on_and_says_that_something_may_be_missing(
    outage: Outage, app: str
) -> None:
    back, heard = Heard[bool](), Heard[Record]()
    outage.nats.reconnected(lambda: back(True))
    await outage.nats.follow(app, "lobby", heard)
    first = await (await outage.nats.publish(record(app, offset=1)))
    await heard.until(1)
    await outage.begin()
    lost = await outage.nats.publish(record(app, offset=2))
    await asyncio.wait([lost])
    assert isinstance(lost.exception(), NotPublished)
    await outage.end()
    await back.until(1)
    acks = [await outage.nats.publish(record(app, offset=offset)) for offset in (1, 2)]
    again, second = await asyncio.gather(*acks)
    assert again == first
    assert second > first
    assert [each.offset for each in await heard.until(2)] == [1, 2]


@pytest.fixture
async def real(own_nats: OwnNats) -> AsyncIterator[RealNats]:
    async with connect(own_nats.url, name="outage") as nats:
        await nats.ensure_stream()
        yield nats


async def test_events_lost_on_the_way_are_not_overtaken_by_later_ones(
    real: RealNats, own_nats: OwnNats, app: str
) -> None:
    """The last ones are published when the server is dead and the client cannot know it yet."""
    heard, back = Heard[Record](), Heard[bool]()
    await real.follow(app, "lobby", heard)
    real.reconnected(lambda: back(True))
    acks = {1: await real.publish(record(app, offset=1))}
    await acks[1]
    killed = asyncio.create_task(own_nats.kill())
    while not any(ack.done() and ack.exception() for ack in acks.values()):
        acks[len(acks) + 1] = await real.publish(record(app, offset=len(acks) + 1))
        await asyncio.sleep(0)
    await killed
    await own_nats.start()
    await back.until(1)
    await asyncio.wait(acks.values())
    failed = [offset for offset, ack in acks.items() if ack.exception()]
    await asyncio.gather(*[await real.publish(record(app, offset=offset)) for offset in failed])
    assert [each.offset for each in await heard.until(len(acks))] == sorted(acks)


async def test_messages_dropped_for_slowness_count_as_missed(real: RealNats) -> None:
    missed = Heard[bool]()
    real.reconnected(lambda: missed(True))
    subscription = await real._client.subscribe("slow")
    for _ in range(3):
        await real.went_wrong(SlowConsumerError("slow", "", 1, subscription))
    assert await missed.until(1) == [True]


async def test_an_ordered_close_is_no_outage(own_nats: OwnNats, caplog: pytest.LogCaptureFixture) -> None:
    async with connect(own_nats.url, name="outage") as nats:
        await nats.ping()
    assert caplog.text == ""


async def test_a_connection_that_is_closed_while_the_server_is_away_ends(own_nats: OwnNats) -> None:
    async with asyncio.timeout(5), connect(own_nats.url, name="outage") as nats:
        await own_nats.kill()
        assert nats.connected in (True, False)
    with pytest.raises(NoAnswer):
        await nats.ping()


async def test_a_first_connection_that_fails_says_so() -> None:
    with pytest.raises(OSError):
        async with connect("nats://127.0.0.1:1", name="nobody", patience=0.3):
            pytest.fail("nobody listens there")


async def test_the_stream_is_made_by_whoever_comes_first(own_nats: OwnNats, app: str) -> None:
    async with connect(own_nats.url, name="one") as one, connect(own_nats.url, name="two") as two:
        await asyncio.gather(*(nats.ensure_stream() for nats in (one, two, one, two)))
        assert await (await one.publish(record(app))) == 1


@pytest.fixture(params=["memory", "jetstream"])
async def without_stream(request: pytest.FixtureRequest, own_nats: OwnNats) -> AsyncIterator[Nats]:
    async with connect(own_nats.url, name="one") as nats:
        yield nats if request.param == "jetstream" else MemoryNats(shelf=None)


async def test_publishing_without_a_stream_is_refused_at_once(without_stream: Nats, app: str) -> None:
    with pytest.raises(Rejected, match="no stream listens"):
        await (await without_stream.publish(record(app)))


async def test_without_a_stream_there_are_no_contents_until_it_is_made(
    without_stream: Nats, app: str
) -> None:
    contents = without_stream.contents()
    assert await contents.bounds() is None
    await contents.remove(app)
    with pytest.raises(StreamError):
        await contents.held(app, "lobby")
    with pytest.raises(StreamError):
        await contents.message_id(1)
    await contents.ensure_stream()
    made = await contents.bounds()
    assert made is not None
    assert (made.first, made.last, made.messages) == (0, 0, 0)
    assert await (await without_stream.publish(record(app))) == 1
    await contents.remove(app)
    await contents.ensure_stream()
    emptied = await contents.bounds()
    assert emptied is not None
    assert (emptied.created, emptied.first, emptied.last, emptied.messages) == (made.created, 2, 1, 0)


async def test_what_somebody_else_published_into_the_stream_is_no_event(own_nats: OwnNats, app: str) -> None:
    async with connect(own_nats.url, name="one") as nats:
        await nats.ensure_stream()
        await nats._client.jetstream().publish(record(app).subject, b"")
        assert await nats.contents().message_id(1) is None
        assert await nats.contents().held(app, "lobby") == Held(None, None, 1)
