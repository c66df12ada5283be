"""The ports `Leases`, `LastSeen` and `ReceiptStream` while their server is away, or what it keeps is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from contract.outage import Outage
from contract.ports import Nats
from contract.recording import Began, Diary, Ended, Extended, Heard, Lost
from servers import OwnNats

from events import Full, StreamError, subjects
from events.jetstream import Nats as RealNats
from events.jetstream import connect
from events.leases import Leases
from events.testing import MemoryNats

BUCKET = subjects.bucket(subjects.PRESENCE_BUCKET)
TTL = 30.0


async def extend(leases: Leases, key: str, value: bytes = b"", ttl: float = TTL) -> None:
    await (await leases.extend(key, value, ttl))


async def test_what_cannot_be_handed_over_says_so(outage: Outage, app: str) -> None:
    nats = outage.nats
    await outage.begin()
    futures = [
        await nats.leases().extend(f"{app}.u.c", b"", TTL),
        await nats.leases().end(f"{app}.u.c"),
        await nats.last_seen().seen(app, "u", b""),
        await nats.receipts().publish_receipts(app, "lobby", b""),
    ]
    for future in futures:
        with pytest.raises(StreamError):
            await future
    for asking in (
        nats.leases().ensure_leases(),
        nats.leases().take_lead(app, "a", TTL),
        nats.leases().leave_lead(app, "a"),
        nats.last_seen().ensure_last_seen(),
        nats.last_seen().when_seen(app, ["u"]),
        nats.receipts().ensure_receipts(),
        nats.receipts().take_receipts(app, "durable", 1, 0.1),
        nats.receipts().confirm_receipts([]),
    ):
        with pytest.raises(StreamError):
            await asking


async def test_after_an_outage_that_lost_the_leases_the_watcher_begins_again(
    outage: Outage, app: str
) -> None:
    leases, diary, key = outage.nats.leases(fresh=0), Diary(), f"{app}.u.c"
    stop = await leases.watch_leases(app, diary)
    await diary.until(1)
    await extend(leases, key, b"before")
    assert await diary.told(2) == [Began({}, whole=True), Extended(key, b"before")]
    await outage.begin()
    assert await diary.told(1) == [Lost()]
    await outage.end()
    assert await diary.told(1) == [Began({}, whole=False)]
    await extend(leases, key, b"after", 1)
    assert await diary.told(2) == [Extended(key, b"after"), Ended(key, expired=True)]
    assert await leases.take_lead(app, "a", TTL)
    await stop()


async def test_who_begins_to_watch_during_an_outage_is_told_when_it_is_over(outage: Outage, app: str) -> None:
    leases, diary = outage.nats.leases(fresh=0), Diary()
    await outage.begin()
    stop = await leases.watch_leases(app, diary)
    await outage.end()
    assert (await diary.told(1)) == [Began({}, whole=False)]
    await extend(leases, f"{app}.u.c")
    assert await diary.told(1) == [Extended(f"{app}.u.c", b"")]
    await stop()


async def test_receipts_go_on_after_an_outage(outage: Outage, app: str) -> None:
    receipts, back = outage.nats.receipts(), Heard[bool]()
    outage.nats.reconnected(lambda: back(True))
    await receipts.ensure_receipts()
    await (await receipts.publish_receipts(app, "lobby", b"1"))
    await outage.begin()
    await outage.end()
    await back.until(1)
    await (await receipts.publish_receipts(app, "lobby", b"2"))
    taken = await receipts.take_receipts(app, "durable", 10, 5)
    assert [each.data for each in taken] == [b"1", b"2"]


@pytest.fixture
async def real(own_nats: OwnNats) -> AsyncIterator[RealNats]:
    async with connect(own_nats.url, name="outage") as nats:
        yield nats


async def delete(nats: Nats, stream: str) -> None:
    """As an operator does."""
    if isinstance(nats, RealNats):
        await nats._client.jsm().delete_stream(stream)
        return
    assert isinstance(nats, MemoryNats)
    kept = {
        subjects.bucket(subjects.PRESENCE_BUCKET): nats.leases().remove,
        subjects.bucket(subjects.LAST_SEEN_BUCKET): nats.last_seen().remove,
        subjects.RECEIPTS_STREAM: nats.receipts().remove,
    }
    kept[stream]()


@pytest.fixture(params=["memory", "jetstream"])
async def nats(request: pytest.FixtureRequest, real: RealNats) -> Nats:
    """One of which a test may delete whatever it wants."""
    return MemoryNats() if request.param == "memory" else real


@pytest.mark.parametrize("made", [True, False], ids=["made by another", "gone"])
async def test_a_bucket_that_was_deleted_is_made_again_and_not_whole(
    nats: Nats, app: str, made: bool
) -> None:
    leases, diary, key = nats.leases(fresh=TTL), Diary(), f"{app}.u.c"
    await leases.ensure_leases()
    stop = await leases.watch_leases(app, diary)
    await diary.until(1)
    await extend(leases, key)
    assert await leases.take_lead(app, "a", TTL)
    await diary.until(2)
    diary.all.clear()
    await delete(nats, BUCKET)
    if made:
        await leases.ensure_leases()
    assert await diary.begin() == Began({}, whole=False)
    await extend(leases, key, b"again")
    assert await diary.told(1) == [Extended(key, b"again")]
    assert await leases.take_lead(app, "b", TTL)
    await stop()


async def test_without_its_bucket_every_call_says_so_until_it_is_made(nats: Nats, app: str) -> None:
    for stream in (BUCKET, subjects.bucket(subjects.LAST_SEEN_BUCKET), subjects.RECEIPTS_STREAM):
        if isinstance(nats, MemoryNats):
            await delete(nats, stream)
    leases, last_seen, receipts = nats.leases(), nats.last_seen(), nats.receipts()

    async def publish() -> list[asyncio.Future[None]]:
        return [
            await leases.extend(f"{app}.u.c", b"", TTL),
            await last_seen.seen(app, "u", b"then"),
            await receipts.publish_receipts(app, "lobby", b""),
        ]

    asks: list[Callable[[], Awaitable[object]]] = [
        lambda: leases.take_lead(app, "a", TTL),
        lambda: last_seen.when_seen(app, ["u"]),
        lambda: receipts.take_receipts(app, "durable", 1, 0.1),
    ]
    for future in await publish():
        with pytest.raises(StreamError, match="no stream listens"):
            await future
    for ask in asks:
        with pytest.raises(StreamError):
            await ask()
    await leases.ensure_leases()
    await last_seen.ensure_last_seen()
    await receipts.ensure_receipts()
    await asyncio.gather(*await publish())
    for ask in asks:
        assert await ask()


async def test_a_receipt_stream_that_was_deleted_is_taken_from_again_once_it_is_made(
    nats: Nats, app: str
) -> None:
    receipts = nats.receipts()
    await receipts.ensure_receipts()
    await (await receipts.publish_receipts(app, "lobby", b"1"))
    taken = await receipts.take_receipts(app, "durable", 10, 5)
    await delete(nats, subjects.RECEIPTS_STREAM)
    await receipts.ensure_receipts()
    await receipts.confirm_receipts(taken)
    await (await receipts.publish_receipts(app, "lobby", b"2"))
    assert [each.data for each in await receipts.take_receipts(app, "durable", 10, 5)] == [b"2"]


async def test_a_bucket_that_is_full_takes_no_other_lease_and_keeps_those_it_has(
    real: RealNats, app: str
) -> None:
    leases = real.leases(fresh=0, most=1 << 20)
    await leases.ensure_leases()
    large = bytes(100_000)
    for number in range(9):
        await extend(leases, f"{app}.u.c{number}", large)
    futures = [await leases.extend(f"{app}.u.d{number}", large, TTL) for number in range(5)]
    refused = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(refused[-1], Full)
    for number in range(9):
        await extend(leases, f"{app}.u.c{number}", large)
    with pytest.raises(Full):
        await extend(leases, f"{app}.u.c0", bytes(200_000))
    await extend(leases, f"{app}.u.c0", b"smaller")
    diary = Diary()
    stop = await leases.watch_leases(app, diary)
    [began] = await diary.told(1)
    assert isinstance(began, Began)
    assert began.leases[f"{app}.u.c0"] == b"smaller"
    await stop()
