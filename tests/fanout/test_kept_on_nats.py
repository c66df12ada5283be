"""Leases and receipts on a real NATS, which is killed and loses what it had."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import nats as client
import pytest
from servers import OwnNats

from events import subjects
from events.jetstream import Nats, connect
from events.presence import Lease
from events.receipts import Receipts
from fanout.acknowledgements import Acknowledgements
from fanout.heartbeats import Heartbeats

APP = "app"
TTL, INTERVAL = 2.0, 0.5
PATIENCE = 30
"""Seconds that a machine under load may take; nothing waits that long when it works."""


class Watcher:
    """What is live, and what ever expired."""

    def __init__(self) -> None:
        self.live: dict[str, bytes] = {}
        self.expired: list[str] = []
        self.losses = 0
        self._news = asyncio.Event()

    def began(self, leases: Mapping[str, bytes], *, whole: bool) -> None:
        self.live = dict(leases)
        self._news.set()

    def extended(self, key: str, value: bytes) -> None:
        self.live[key] = value
        self._news.set()

    def ended(self, key: str, *, expired: bool) -> None:
        del self.live[key]
        if expired:
            self.expired.append(key)
        self._news.set()

    def lost(self) -> None:
        self.live.clear()
        self.losses += 1
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def nats(own_nats: OwnNats) -> AsyncIterator[Nats]:
    async with connect(own_nats.url, name="fanout") as nats:
        yield nats


@pytest.fixture
async def watcher(own_nats: OwnNats) -> AsyncIterator[Watcher]:
    """Over a connection of its own, as presence: it makes the bucket, also when it is gone."""
    async with connect(own_nats.url, name="presence") as nats:
        leases, watcher = nats.leases(), Watcher()
        await leases.ensure_leases()
        stop = await leases.watch_leases(APP, watcher)
        yield watcher
        await stop()


@asynccontextmanager
async def holding(
    nats: Nats, count: int, ttl: float = TTL
) -> AsyncIterator[tuple[Heartbeats, Mapping[str, bytes]]]:
    """Heartbeats of so many connections, and what the bucket is to have of them."""
    heartbeats = Heartbeats(nats.leases(), APP, ttl=ttl, interval=INTERVAL)
    since = datetime.now(UTC)
    held = {f"c{n}": Lease(user=f"u{n}", rooms=["lobby", "hall"], since=since) for n in range(count)}
    for connection, lease in held.items():
        heartbeats.hold(connection, lease)
    running = asyncio.create_task(heartbeats.run())
    try:
        yield heartbeats, {subjects.lease(APP, each.user, name): each.encode() for name, each in held.items()}
    finally:
        await heartbeats.close()
        running.cancel()


async def test_thousands_of_leases_live_for_many_intervals_and_none_expires(
    nats: Nats, watcher: Watcher
) -> None:
    """Their time is ten intervals: a machine under load may miss some, and that is no fault."""
    ttl = 10 * INTERVAL
    async with holding(nats, 2000, ttl) as (heartbeats, held):
        await watcher.until(lambda: heartbeats.figures.beats > 2000 * 2 * ttl / INTERVAL)
        assert watcher.live == held
        assert watcher.expired == []
        assert heartbeats.failures == 0
    await watcher.until(lambda: not watcher.live)
    assert watcher.expired == []


async def test_a_server_that_was_killed_and_started_again_has_all_leases(
    nats: Nats, watcher: Watcher, own_nats: OwnNats
) -> None:
    async with holding(nats, 500) as (heartbeats, held):
        await watcher.until(lambda: watcher.live == held)
        await own_nats.kill()
        await watcher.until(lambda: watcher.live == {})
        heartbeats.drop("c0")
        await own_nats.start()
        held = dict(list(held.items())[1:])
        await watcher.until(lambda: watcher.live == held)
    await watcher.until(lambda: not watcher.live)


async def test_a_bucket_that_was_deleted_and_made_anew_has_all_leases(
    nats: Nats, watcher: Watcher, own_nats: OwnNats
) -> None:
    admin = await client.connect(own_nats.url)
    try:
        async with holding(nats, 500) as (_, held):
            await watcher.until(lambda: watcher.live == held)
            await admin.jetstream().delete_key_value(subjects.PRESENCE_BUCKET)
            await watcher.until(lambda: watcher.losses > 0)
            await watcher.until(lambda: watcher.live == held)
            assert watcher.expired == []
    finally:
        await admin.close()


async def test_receipts_that_were_given_while_nats_was_away_are_merged(nats: Nats, own_nats: OwnNats) -> None:
    stream = nats.receipts()
    await stream.ensure_receipts()
    acknowledgements = Acknowledgements(stream, APP, interval=0.05, limit=100)
    running = asyncio.create_task(acknowledgements.run())
    assert acknowledgements.take("lobby", "e1", "ada", 3, 3)
    await acknowledgements.flush()
    await own_nats.kill()
    for offset in range(4, 10):
        assert acknowledgements.take("lobby", "e1", "ada", offset, offset - 1)
        assert acknowledgements.take("lobby", "e1", "bob", offset, 0)
    async with asyncio.timeout(PATIENCE):
        while acknowledgements.failures < 2:
            await asyncio.sleep(0.01)
    await own_nats.start()
    async with asyncio.timeout(PATIENCE):
        while acknowledgements.waiting:
            await asyncio.sleep(0.01)
    taken = await stream.take_receipts(APP, "tests", 100, 5)
    assert [each.room for each in taken] == ["lobby", "lobby"]
    first, second = (Receipts.decode(each.data) for each in taken)
    assert {each.user: (each.delivered, each.read) for each in first.receipts} == {"ada": (3, 3)}
    assert {each.user: (each.delivered, each.read) for each in second.receipts} == {
        "ada": (9, 8),
        "bob": (9, 0),
    }
    running.cancel()
