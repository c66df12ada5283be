"""Leases in memory: their time is the loop's, and a test can take everything away."""

import asyncio

from contract.recording import Began, Diary, Ended, Extended, Lost, Told
from virtualtime import run

from events.testing import MemoryNats

KEY = "app.u.c"


async def watched(nats: MemoryNats) -> Diary:
    """A watcher that was told the state, which is forgotten."""
    diary = Diary()
    await nats.leases(fresh=30).watch_leases("app", diary)
    await diary.told(1)
    return diary


def test_a_lease_lives_as_long_as_it_was_told_to() -> None:
    async def main() -> None:
        nats = MemoryNats()
        diary, leases = await watched(nats), nats.leases()
        await (await leases.extend(KEY, b"", 30))
        await asyncio.sleep(20)
        await (await leases.extend(KEY, b"", 30))
        await asyncio.sleep(29)
        assert leases.live == {KEY: b""}
        await asyncio.sleep(2)
        assert leases.live == {}
        assert diary.all == [Extended(KEY, b""), Extended(KEY, b""), Ended(KEY, expired=True)]

    run(main())


def test_what_expires_while_nats_is_away_is_gone_on_its_return() -> None:
    async def main() -> list[Told]:
        nats = MemoryNats()
        diary, leases = await watched(nats), nats.leases()
        await (await leases.extend(KEY, b"", 30))
        await (await leases.extend(f"{KEY}2", b"", 60))
        nats.go_away()
        await asyncio.sleep(40)
        nats.come_back()
        return await diary.told(4)

    began = Began({f"{KEY}2": b""}, whole=False)
    assert run(main()) == [Extended(KEY, b""), Extended(f"{KEY}2", b""), Lost(), began]


def test_a_reader_that_was_too_slow_begins_again_with_all_there_is() -> None:
    async def main() -> list[Told]:
        nats = MemoryNats()
        diary = await watched(nats)
        nats.come_back()
        return await diary.told(1)

    assert run(main()) == [Began({}, whole=True)]


def test_a_bucket_that_was_made_anew_is_whole_once_it_is_old() -> None:
    async def main() -> list[Told]:
        nats = MemoryNats()
        await nats.leases().ensure_leases()
        nats.leases().remove()
        await nats.leases().ensure_leases()
        told = []
        for _ in range(2):
            diary = Diary()
            await nats.leases(fresh=30).watch_leases("app", diary)
            told += await diary.told(1)
            await asyncio.sleep(31)
        return told

    assert run(main()) == [Began({}, whole=False), Began({}, whole=True)]
