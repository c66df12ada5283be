"""What members acknowledge: merged, published once a moment, kept while NATS is away; in virtual time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtualtime import VirtualLoop, run

from events import subjects
from events.receipts import Change, Changes, Receipts
from events.testing import MemoryNats
from fanout.acknowledgements import FLUSH_SECONDS, MOST, Acknowledgements
from fanout.window import CALM_SECONDS, LONGEST_PAUSE

APP, ROOM, EPOCH = "app", "lobby", "epoch-1"
INTERVAL = 0.1
LIMIT = 1000

Marks = Mapping[tuple[str, str | None, str], tuple[int, int]]
"""The highest delivered and read by room, epoch and user."""


def published(nats: MemoryNats, room: str | None = None) -> list[Receipts]:
    return [Receipts.decode(data) for _, where, data in nats.receipts().messages if room in (None, where)]


def users(message: Receipts) -> dict[str, tuple[int, int]]:
    return {each.user: (each.delivered, each.read) for each in message.receipts}


def marks(nats: MemoryNats) -> Marks:
    """What comments makes of it."""
    found: dict[tuple[str, str | None, str], tuple[int, int]] = {}
    for app, room, data in nats.receipts().messages:
        assert app == APP
        message = Receipts.decode(data)
        for user, mark in users(message).items():
            delivered, read = found.get((room, message.epoch, user), (0, 0))
            found[room, message.epoch, user] = max(mark[0], delivered), max(mark[1], read)
    return found


@asynccontextmanager
async def running(nats: MemoryNats, limit: int = LIMIT) -> AsyncIterator[Acknowledgements]:
    acknowledgements = Acknowledgements(nats.receipts(), APP, interval=INTERVAL, limit=limit, remembered=100)
    await acknowledgements.listen(nats)
    task = asyncio.create_task(acknowledgements.run())
    try:
        yield acknowledgements
    finally:
        task.cancel()
        await acknowledgements.close()


def taking(test: Callable[[Acknowledgements, MemoryNats], Awaitable[None]], limit: int = LIMIT) -> None:
    """Run it in virtual time."""

    async def main() -> None:
        nats = MemoryNats()
        async with running(nats, limit) as acknowledgements:
            await test(acknowledgements, nats)

    run(main())


def test_all_of_a_moment_is_one_message_a_room_with_the_highest_of_each_user() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for room in "lobby", "hall":
            for delivered, read in (3, 0), (5, 2), (4, 4), (0, 1):
                assert acknowledgements.take(room, EPOCH, "ada", delivered, read)
            assert acknowledgements.take(room, EPOCH, "bob", 7, 7)
        await asyncio.sleep(2 * INTERVAL)
        for room in "lobby", "hall":
            [message] = published(nats, room)
            assert message.epoch == EPOCH
            assert users(message) == {"ada": (5, 4), "bob": (7, 7)}
        assert acknowledgements.waiting == 0
        assert acknowledgements.published == 2

    taking(test)


def test_what_is_acknowledged_says_when() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        acknowledgements.take(ROOM, EPOCH, "ada", 1, 0)
        after = datetime.now(UTC) + timedelta(milliseconds=1)
        await asyncio.sleep(2 * INTERVAL)
        assert before <= published(nats)[0].at <= after

    taking(test)


def test_a_room_gets_one_message_an_interval_however_often_its_members_acknowledge() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for offset in range(1, 1000):
            acknowledgements.take(ROOM, EPOCH, "ada", offset, 0)
            await asyncio.sleep(INTERVAL / 100)
        assert 8 <= len(published(nats)) <= 11

    taking(test)


def test_what_is_repeated_is_published_again_only_of_whoever_may_have_become_a_member() -> None:
    """Before that, comments drops it."""

    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        async def publishes() -> list[str]:
            before = len(published(nats))
            for user in "ada", "bob":
                acknowledgements.take(ROOM, EPOCH, user, 3, 3)
            await asyncio.sleep(2 * INTERVAL)
            return sorted(user for message in published(nats)[before:] for user in users(message))

        assert await publishes() == ["ada", "bob"]
        assert await publishes() == []
        for room, head in ("hall", 3), (ROOM, 4):
            change = Change(room=room, head=head, users=["bob"] if room == ROOM else ["ada"])
            await nats.send(subjects.changed(APP), Changes(changes=[change]).encode())
        await asyncio.sleep(INTERVAL)
        assert await publishes() == ["bob"]
        await nats.send(subjects.changed(APP), b"?")
        await asyncio.sleep(INTERVAL)
        assert await publishes() == []
        nats.go_away()
        nats.come_back()
        assert await publishes() == ["ada", "bob"]

    taking(test)


def test_offsets_of_another_epoch_are_another_matter() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for epoch, offset in (EPOCH, 9), (None, 8), ("epoch-2", 2):
            acknowledgements.take(ROOM, epoch, "ada", offset, 0)
        await asyncio.sleep(2 * INTERVAL)
        assert marks(nats) == {
            (ROOM, EPOCH, "ada"): (9, 0),
            (ROOM, None, "ada"): (8, 0),
            (ROOM, "epoch-2", "ada"): (2, 0),
        }

    taking(test)


def test_what_is_confirmed_is_not_published_again() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for delivered, read in (5, 3), (5, 3), (4, 0), (0, 0):
            assert acknowledgements.take(ROOM, EPOCH, "ada", delivered, read)
            await asyncio.sleep(2 * INTERVAL)
        assert len(published(nats)) == 1
        acknowledgements.take(ROOM, EPOCH, "ada", 0, 4)
        await asyncio.sleep(2 * INTERVAL)
        acknowledgements.take(ROOM, EPOCH, "ada", 5, 4)
        await asyncio.sleep(2 * INTERVAL)
        assert len(published(nats)) == 2

    taking(test)


def test_without_an_epoch_everything_is_published_again() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for _ in range(2):
            assert acknowledgements.take(ROOM, None, "ada", 9, 9)
            await asyncio.sleep(2 * INTERVAL)
        assert len(published(nats)) == 2

    taking(test)


def test_only_so_many_that_were_confirmed_are_remembered() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for number in [*range(101), 100, 0]:
            acknowledgements.take(ROOM, EPOCH, f"u{number}", 1, 1)
            await asyncio.sleep(2 * INTERVAL)
        assert len(published(nats)) == 102

    taking(test)


def test_a_message_has_a_bounded_size_whoever_is_in_it() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for number in range(2 * MOST + 1):
            user = "\U0001f600" * 124 + f"{number:04}"
            acknowledgements.take(ROOM, EPOCH, user, 2**63 - 1, 2**63 - 1)
        await asyncio.sleep(2 * INTERVAL)
        sizes = [len(data) for _, _, data in nats.receipts().messages]
        assert len(sizes) == 3
        assert max(sizes) < 512 * 1024
        assert len(marks(nats)) == 2 * MOST + 1

    taking(test, limit=10_000)


def test_those_beyond_the_limit_are_refused_until_there_is_room() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        taken = [acknowledgements.take(ROOM, EPOCH, f"u{number}", 1, 0) for number in range(6)]
        assert taken == [True] * 5 + [False]
        assert not acknowledgements.take("hall", EPOCH, "u0", 1, 0)
        assert acknowledgements.take(ROOM, EPOCH, "u0", 2, 0)
        await asyncio.sleep(2 * INTERVAL)
        assert acknowledgements.take("hall", EPOCH, "u0", 1, 0)
        await asyncio.sleep(2 * INTERVAL)
        assert marks(nats)[ROOM, EPOCH, "u0"] == (2, 0)
        assert len(marks(nats)) == 6

    taking(test, limit=5)


def test_when_nobody_acknowledges_anything_nothing_ticks() -> None:
    async def main() -> int:
        loop, nats = asyncio.get_running_loop(), MemoryNats()
        assert isinstance(loop, VirtualLoop)
        async with running(nats) as acknowledgements:
            acknowledgements.take(ROOM, EPOCH, "ada", 1, 0)
            await asyncio.sleep(1)
            assert len(published(nats)) == 1
            before = loop.turns
            await asyncio.sleep(86_400)
        return loop.turns - before

    assert run(main()) < 10


# Outages


def test_what_could_not_be_published_is_merged_and_published_when_nats_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        nats.go_away()
        for offset in range(1, 100):
            for room in "lobby", "hall":
                acknowledgements.take(room, EPOCH, "ada", offset, offset // 2)
            await asyncio.sleep(1)
        assert acknowledgements.waiting == 2
        assert 50 < acknowledgements.failures <= 110
        nats.come_back()
        await asyncio.sleep(LONGEST_PAUSE + 2 * INTERVAL)
        assert acknowledgements.waiting == 0
        assert marks(nats) == {("lobby", EPOCH, "ada"): (99, 49), ("hall", EPOCH, "ada"): (99, 49)}
        assert len(published(nats)) == 2
        await asyncio.sleep(CALM_SECONDS)

    with caplog.at_level(logging.INFO, logger="fanout"):
        taking(test)
    assert caplog.messages == ["receipts wait for NATS: away", "receipts have NATS again"]


def test_after_an_outage_what_was_confirmed_before_may_be_published_again() -> None:
    """The stream may be another than before."""

    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        acknowledgements.take(ROOM, EPOCH, "ada", 5, 5)
        await asyncio.sleep(2 * INTERVAL)
        nats.receipts().remove()
        acknowledgements.take(ROOM, EPOCH, "bob", 5, 5)
        await asyncio.sleep(1)
        await nats.receipts().ensure_receipts()
        await asyncio.sleep(LONGEST_PAUSE + 2 * INTERVAL)
        acknowledgements.take(ROOM, EPOCH, "ada", 5, 5)
        await asyncio.sleep(2 * INTERVAL)
        assert len(marks(nats)) == 2

    taking(test)


# The end


def test_what_waits_is_published_before_the_end() -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        for number in range(10):
            acknowledgements.take(f"room{number}", EPOCH, "ada", 1, 1)
        await acknowledgements.flush()
        assert len(published(nats)) == 10
        assert acknowledgements.waiting == 0

    taking(test)


async def test_what_waits_is_published_also_when_nothing_runs_any_more() -> None:
    nats = MemoryNats()
    async with running(nats) as acknowledgements:
        acknowledgements.take(ROOM, EPOCH, "ada", 1, 1)
    await acknowledgements.flush()
    assert len(published(nats)) == 1


def test_the_end_does_not_wait_for_nats_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        nats.go_away()
        acknowledgements.take(ROOM, EPOCH, "ada", 1, 1)
        began = asyncio.get_running_loop().time()
        await acknowledgements.flush()
        assert asyncio.get_running_loop().time() - began == pytest.approx(FLUSH_SECONDS)
        assert acknowledgements.waiting == 1

    taking(test)
    assert "1 receipts could not be published" in caplog.messages


# Anything in any order

TAKES = st.tuples(
    st.sampled_from(["lobby", "hall"]),
    st.sampled_from([EPOCH, None]),
    st.sampled_from(["ada", "bob"]),
    st.integers(0, 9),
    st.integers(0, 9),
)
Step = tuple[str, str | None, str, int, int] | float | str
STEPS = st.lists(
    st.one_of(TAKES, TAKES, st.sampled_from([0.0, 0.06, 0.3, 5.0]), st.sampled_from(["away", "back"])),
    max_size=40,
)


@settings(deadline=None)
@given(steps=STEPS, limit=st.sampled_from([2, LIMIT]))
def test_at_rest_the_stream_has_the_highest_of_all_that_was_taken(steps: list[Step], limit: int) -> None:
    async def test(acknowledgements: Acknowledgements, nats: MemoryNats) -> None:
        highest: dict[tuple[str, str | None, str], tuple[int, int]] = {}
        for step in steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, str):
                nats.away = step == "away"
            elif acknowledgements.take(*step):
                room, epoch, user, delivered, read = step
                known = highest.get((room, epoch, user), (0, 0))
                highest[room, epoch, user] = max(known[0], delivered), max(known[1], read)
            assert acknowledgements.waiting <= limit
        nats.away = False
        await asyncio.sleep(LONGEST_PAUSE + 3 * INTERVAL)
        assert marks(nats) == {key: mark for key, mark in highest.items() if mark != (0, 0)}
        assert acknowledgements.waiting == 0

    taking(test, limit)
