"""Pages of the log: shared by all who want them, and kept within a bound."""

import asyncio
from collections.abc import Sequence

import pytest
from fakelog import APP, EPOCH, ROOM, FakeLog
from virtualtime import run

from events import NoAnswer
from events.testing import MemoryNats
from fanout.pages import IN_FLIGHT, PAGE, Chunk, Pages

KEPT = 1 << 20


async def reading(log: FakeLog, *, kept: int = KEPT) -> Pages:
    nats = MemoryNats()
    await log.serve(nats)
    return Pages(nats, APP, kept=kept, timeout=2)


async def after(pages: Pages, *offsets: int) -> Sequence[Chunk]:
    return await asyncio.gather(*(pages.after(ROOM, EPOCH, offset) for offset in offsets))


def starts(log: FakeLog) -> list[int]:
    return [request.after for request in log.requests]


def follows(chunk: Chunk, offset: int) -> list[int]:
    return [entry.offset for entry in chunk.after(offset)]


async def test_everybody_shares_pages_that_begin_at_multiples() -> None:
    log = FakeLog(3 * PAGE)
    pages = await reading(log)
    chunks = await after(pages, *range(3 * PAGE))
    assert starts(log) == [0, PAGE, 2 * PAGE]
    for offset, chunk in enumerate(chunks):
        assert follows(chunk, offset)[0] == offset + 1
    assert pages.figures.asked == 3
    assert pages.figures.shared == 3 * PAGE - 3


async def test_whole_pages_are_kept_and_the_last_one_as_long_as_it_has_what_follows() -> None:
    log = FakeLog(PAGE + 1)
    pages = await reading(log)
    await after(pages, 0, PAGE)
    log.append()
    [_, last] = await after(pages, 0, PAGE)
    assert starts(log) == [0, PAGE]
    assert follows(last, PAGE) == [PAGE + 1]
    [last] = await after(pages, PAGE + 1)
    assert starts(log) == [0, PAGE, PAGE]
    assert follows(last, PAGE + 1) == [PAGE + 2]


async def test_pages_cut_by_their_bytes_are_shared_and_kept_too() -> None:
    log = FakeLog(PAGE, cut=60)
    pages = await reading(log)
    for _ in range(2):
        chunks = await after(pages, *range(PAGE))
        for offset, chunk in enumerate(chunks):
            assert follows(chunk, offset)[0] == offset + 1
    assert starts(log) == [0, 60, 120, 180]
    assert [request.limit for request in log.requests] == [PAGE, 140, 80, 20]


async def test_after_the_head_there_is_nothing() -> None:
    log = FakeLog(5, cut=2)
    pages = await reading(log)
    for offset in (5, 6, PAGE, 10 * PAGE):
        [chunk] = await after(pages, offset)
        assert (chunk.head, follows(chunk, offset)) == (5, [])


async def test_the_head_is_always_asked_anew() -> None:
    log = FakeLog(5)
    pages = await reading(log)
    heads = await asyncio.gather(pages.head(ROOM), pages.head(ROOM))
    assert [(chunk.head, chunk.entries) for chunk in heads] == [(5, []), (5, [])]
    assert len(log.requests) == 2


async def test_the_pages_kept_are_bounded_in_bytes() -> None:
    log = FakeLog(10 * PAGE)
    pages = await reading(log)
    [one] = await after(pages, 0)
    pages = await reading(log, kept=3 * one.size)
    for offset in range(0, 10 * PAGE, PAGE):
        await after(pages, offset)
        assert pages.size <= 3 * one.size
    log.requests.clear()
    await after(pages, *range(7 * PAGE, 10 * PAGE, PAGE), 0)
    assert starts(log) in ([0], [7 * PAGE, 0])


async def test_a_page_of_another_history_is_kept_as_that() -> None:
    log = FakeLog(PAGE)
    pages = await reading(log)
    log.epoch = "epoch-2"
    [chunk] = await after(pages, 0)
    assert chunk.epoch == "epoch-2"
    await after(pages, 0)
    assert len(log.requests) == 2
    assert (await pages.after(ROOM, "epoch-2", 0)).epoch == "epoch-2"
    assert len(log.requests) == 2


async def test_a_log_that_cannot_be_read_fails_all_who_wait_once(caplog: pytest.LogCaptureFixture) -> None:
    log = FakeLog(5)
    log.available = False
    pages = await reading(log)
    outcomes = await asyncio.gather(*(pages.after(ROOM, EPOCH, 0) for _ in range(9)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NoAnswer}
    assert len(log.requests) == len(caplog.records) == 1
    log.available = True
    assert follows((await after(pages, 0))[0], 3) == [4, 5]


def test_an_answer_that_comes_too_late_is_no_answer() -> None:
    async def ask() -> None:
        log = FakeLog(5)
        log.delay = 2.5
        pages = await reading(log)
        with pytest.raises(NoAnswer, match="2 s passed"):
            await pages.after(ROOM, EPOCH, 0)

    run(ask())


async def test_one_who_gives_up_takes_the_page_from_nobody() -> None:
    log = FakeLog(5)
    pages = await reading(log)
    impatient = asyncio.create_task(pages.after(ROOM, EPOCH, 0))
    patient = asyncio.create_task(pages.after(ROOM, EPOCH, 0))
    await asyncio.sleep(0)
    impatient.cancel()
    assert follows(await patient, 0) == [1, 2, 3, 4, 5]
    assert len(log.requests) == 1


def test_only_so_many_requests_are_on_their_way_at_once() -> None:
    async def ask() -> None:
        log = FakeLog()
        log.delay = 1.0
        pages = await reading(log)
        asked = [asyncio.create_task(pages.head(f"room-{number}")) for number in range(3 * IN_FLIGHT)]
        await asyncio.sleep(0.5)
        assert len(log.requests) == IN_FLIGHT
        await asyncio.gather(*asked)
        assert len(log.requests) == 3 * IN_FLIGHT

    run(ask())


async def test_closing_gives_up_what_is_asked() -> None:
    log = FakeLog(5)
    pages = await reading(log)
    asked = asyncio.create_task(pages.after(ROOM, EPOCH, 0))
    await asyncio.sleep(0)
    await pages.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
