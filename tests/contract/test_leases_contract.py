"""The port `Leases`: in memory and for real."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from contract.ports import Nats
from contract.recording import ODD, Began, Diary, Ended, Extended

from events import subjects
from events.leases import Leases

TTL = 30.0


@pytest.fixture
async def leases(nats: Nats) -> Leases:
    leases = nats.leases(fresh=0)
    await leases.ensure_leases()
    return leases


@asynccontextmanager
async def watching(leases: Leases, app: str) -> AsyncIterator[Diary]:
    """One who was told what is live."""
    diary = Diary()
    stop = await leases.watch_leases(app, diary)
    try:
        await diary.until(1)
        yield diary
    finally:
        await stop()


@pytest.fixture
async def diary(leases: Leases, app: str) -> AsyncIterator[Diary]:
    """Of a watcher of an app that nobody has a lease of."""
    async with watching(leases, app) as diary:
        assert await diary.told(1) == [Began({}, whole=True)]
        yield diary


@pytest.fixture
def keys(app: str) -> Iterator[str]:
    """Keys of the app."""
    return (subjects.lease(app, f"u{number}", f"c{number}") for number in range(1_000_000))


async def extend(leases: Leases, key: str, value: bytes = b"", ttl: float = TTL) -> None:
    await (await leases.extend(key, value, ttl))


async def end(leases: Leases, key: str) -> None:
    await (await leases.end(key))


async def test_a_watcher_is_told_what_is_live_and_then_what_becomes_of_it(
    leases: Leases, app: str, keys: Iterator[str]
) -> None:
    one, two = next(keys), next(keys)
    await extend(leases, one, b"1")
    await extend(leases, two, b"2")
    await extend(leases, two, b"3")
    async with watching(leases, app) as diary:
        await extend(leases, one, b"1")
        await extend(leases, two, b"4")
        await end(leases, one)
        assert await diary.told(4) == [
            Began({one: b"1", two: b"3"}, whole=True),
            Extended(one, b"1"),
            Extended(two, b"4"),
            Ended(one, expired=False),
        ]


async def test_a_lease_that_is_not_extended_expires_and_no_other(
    leases: Leases, diary: Diary, keys: Iterator[str]
) -> None:
    short, extended = next(keys), next(keys)
    await extend(leases, short, ttl=1)
    await extend(leases, extended, ttl=1)
    await extend(leases, extended, ttl=TTL)
    assert await diary.told(4) == [
        Extended(short, b""),
        Extended(extended, b""),
        Extended(extended, b""),
        Ended(short, expired=True),
    ]


async def test_who_begins_to_watch_is_not_told_of_leases_that_are_over(
    leases: Leases, diary: Diary, app: str, keys: Iterator[str]
) -> None:
    expired, ended, live = next(keys), next(keys), next(keys)
    await extend(leases, expired, ttl=1)
    await diary.until(2)
    await extend(leases, ended)
    await end(leases, ended)
    await extend(leases, live, b"value")
    async with watching(leases, app) as another:
        assert await another.told(1) == [Began({live: b"value"}, whole=True)]


async def test_to_end_a_lease_that_is_over_is_nothing(
    leases: Leases, diary: Diary, keys: Iterator[str]
) -> None:
    key, another = next(keys), next(keys)
    await end(leases, another)
    await extend(leases, key)
    await end(leases, key)
    await end(leases, key)
    await extend(leases, another, ttl=1)
    assert await diary.told(4) == [
        Extended(key, b""),
        Ended(key, expired=False),
        Extended(another, b""),
        Ended(another, expired=True),
    ]


async def test_a_lease_that_ended_can_begin_again(leases: Leases, diary: Diary, keys: Iterator[str]) -> None:
    key = next(keys)
    for value in (b"first", b"second"):
        await extend(leases, key, value)
        await end(leases, key)
        assert await diary.told(2) == [Extended(key, value), Ended(key, expired=False)]


async def test_leases_of_another_app_are_not_told(leases: Leases, app: str, keys: Iterator[str]) -> None:
    mine = next(keys)
    await extend(leases, subjects.lease(f"{app}-other", "u", "c"))
    async with watching(leases, app) as diary:
        await extend(leases, subjects.lease(f"{app}-other", "u", "d"))
        await extend(leases, mine)
        assert await diary.told(2) == [Began({}, whole=True), Extended(mine, b"")]


async def test_all_who_watch_are_told_until_they_stop(
    leases: Leases, diary: Diary, app: str, keys: Iterator[str]
) -> None:
    one, two = next(keys), next(keys)
    async with watching(leases, app) as another:
        await extend(leases, one)
        assert await another.told(2) == [Began({}, whole=True), Extended(one, b"")]
    await extend(leases, two)
    assert await diary.told(2) == [Extended(one, b""), Extended(two, b"")]
    assert another.all == []


async def test_what_happens_while_one_begins_to_watch_is_missed_by_nobody(
    leases: Leases, app: str, keys: Iterator[str]
) -> None:
    """Half the leases are extended again and again, so that none of them stays where it was."""
    busy, still = [next(keys) for _ in range(200)], [next(keys) for _ in range(200)]
    await asyncio.gather(*[await leases.extend(key, b"", TTL) for key in [*still, *busy]])
    over = asyncio.Event()

    async def extend_on() -> None:
        while not over.is_set():
            await asyncio.gather(*[await leases.extend(key, b"", TTL) for key in busy])

    working = asyncio.create_task(extend_on())
    for _ in range(5):
        async with watching(leases, app) as diary:
            assert (await diary.begin()).leases.keys() == {*busy, *still}
    over.set()
    await working


async def test_many_leases_are_extended_at_once(leases: Leases, app: str, keys: Iterator[str]) -> None:
    many = {next(keys): b"%d" % number for number in range(3_000)}
    await asyncio.gather(*[await leases.extend(key, value, TTL) for key, value in many.items()])
    async with watching(leases, app) as diary:
        assert await diary.begin() == Began(many, whole=True)
        await asyncio.gather(*[await leases.end(key) for key in many])
        assert {told.key for told in await diary.told(3_000) if isinstance(told, Ended)} == many.keys()


@pytest.mark.parametrize("user", ODD, ids=[f"odd{number}" for number in range(len(ODD))])
async def test_a_user_may_have_any_name(leases: Leases, diary: Diary, app: str, user: str) -> None:
    key = subjects.lease(app, user, "c1")
    await extend(leases, key)
    assert await diary.told(1) == [Extended(key, b"")]
    assert subjects.user_of(key.split(".")[1]) == user


async def test_one_of_those_who_want_the_lead_has_it(leases: Leases, app: str) -> None:
    names = [f"holder-{number}" for number in range(8)]
    took = await asyncio.gather(*(leases.take_lead(app, name, TTL) for name in names))
    assert took.count(True) == 1
    again = await asyncio.gather(*(leases.take_lead(app, name, TTL) for name in names))
    assert again == took


async def test_every_app_has_a_lead_of_its_own_which_is_no_lease(
    leases: Leases, diary: Diary, app: str, keys: Iterator[str]
) -> None:
    assert await leases.take_lead(app, "a", TTL)
    assert await leases.take_lead(f"{app}-other", "b", TTL)
    assert not await leases.take_lead(app, "b", TTL)
    key = next(keys)
    await extend(leases, key)
    assert await diary.told(1) == [Extended(key, b"")]


async def test_a_lead_that_is_left_is_free_at_once(leases: Leases, app: str) -> None:
    assert await leases.take_lead(app, "a", TTL)
    await leases.leave_lead(app, "b")
    assert not await leases.take_lead(app, "b", TTL)
    await leases.leave_lead(app, "a")
    assert await leases.take_lead(app, "b", TTL)
    await leases.leave_lead(app, "a")
    assert await leases.take_lead(app, "b", TTL)
    assert not await leases.take_lead(app, "a", TTL)


async def test_a_lead_that_is_not_kept_is_anothers_after_its_time(leases: Leases, app: str) -> None:
    """Twice: what the first one leaves behind must not keep out the second."""
    for old, new in (("a", "b"), ("b", "c")):
        assert await leases.take_lead(app, old, 1)
        async with asyncio.timeout(10):
            while not await leases.take_lead(app, new, 1):
                await asyncio.sleep(0.01)
        assert not await leases.take_lead(app, old, 1)
