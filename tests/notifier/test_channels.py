"""As many connections as requests need, and not more."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from notifier.channels import Channels
from notifier.endpoints import EndpointRefused, Origin
from notifier.wire import Exchange, NoAnswer, NotTaken, Request, Response

HERE, THERE, ELSEWHERE = (Origin("https", f"push-{number}.example.net", 443) for number in range(3))
REQUEST = Request("push.example.net", "/1", {}, b"x")
ANSWER = Response(201, {}, b"")
AMPLE = 30.0
"""Seconds, where none is to run out."""


class Line:
    """A connection that answers when the test says so."""

    def __init__(self, changed: Callable[[], None], carries: int) -> None:
        self.usable = True
        self.under_way: list[Exchange] = []
        self.abandoned = 0
        self._changed, self._carries = changed, carries

    @property
    def room(self) -> int:
        return self._carries - len(self.under_way) if self.usable else 0

    @property
    def busy(self) -> bool:
        return bool(self.under_way)

    def start(self, exchange: Exchange) -> None:
        assert self.room
        exchange.handed = True
        self.under_way.append(exchange)

    def abandon(self, exchange: Exchange) -> None:
        self.abandoned += exchange in self.under_way

    def close(self) -> None:
        self.usable = False
        for exchange in self.under_way:
            exchange.lose("closed")
        self.under_way.clear()
        self._changed()

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self.under_way.pop(0).answer(ANSWER)
        self._changed()


class Lines:
    """All that were made; `fails` is what making the next one raises."""

    def __init__(self, carries: int) -> None:
        self.made: list[tuple[Origin, Line]] = []
        self.fails: Exception | None = None
        self.carries = carries
        self.may = asyncio.Event()
        self.may.set()

    async def dial(self, origin: Origin, changed: Callable[[], None]) -> Line:
        await self.may.wait()
        if self.fails:
            raise self.fails
        line = Line(changed, self.carries)
        self.made.append((origin, line))
        return line


async def turns(count: int = 20) -> None:
    """All that can go on without an answer has gone on."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def lines() -> Lines:
    return Lines(carries=1)


@pytest.fixture
async def channels(lines: Lines) -> AsyncIterator[Channels]:
    channels = Channels(lines.dial, patience=AMPLE, per_origin=3, most=4)
    yield channels
    await channels.close()


def asked(channels: Channels, *origins: Origin, within: float = AMPLE) -> list[asyncio.Task[Response]]:
    return [asyncio.create_task(channels.ask(origin, REQUEST, within=within)) for origin in origins]


async def test_requests_wait_for_the_connections_that_an_origin_may_have(
    channels: Channels, lines: Lines
) -> None:
    tasks = asked(channels, *[HERE] * 5)
    await turns()
    assert [(origin, len(line.under_way)) for origin, line in lines.made] == [(HERE, 1)] * 3
    for _, line in lines.made:
        line.answer()
    await turns()
    for _, line in lines.made[:2]:
        line.answer()
    assert await asyncio.gather(*tasks) == [ANSWER] * 5
    assert len(lines.made) == 3


async def test_a_connection_that_carries_many_is_the_only_one(channels: Channels, lines: Lines) -> None:
    lines.carries = 100
    tasks = asked(channels, *[HERE] * 50)
    await turns()
    ((_, line),) = lines.made
    line.answer(50)
    assert await asyncio.gather(*tasks) == [ANSWER] * 50


async def test_in_all_there_are_not_more_connections_than_allowed(channels: Channels, lines: Lines) -> None:
    tasks = asked(channels, *[HERE] * 3, *[THERE] * 3)
    await turns()
    assert {origin for origin, _ in lines.made} == {HERE, THERE}
    assert len(lines.made) == channels.open == 4
    for _ in range(3):
        for _, line in lines.made:
            if line.busy:
                line.answer()
        await turns()
    assert await asyncio.gather(*tasks) == [ANSWER] * 6
    assert channels.open <= 4


async def test_whoever_waits_gets_the_place_of_a_connection_that_nobody_uses(
    channels: Channels, lines: Lines
) -> None:
    first = asked(channels, *[HERE] * 3, THERE)
    await turns()
    waiting = asked(channels, ELSEWHERE)
    await turns()
    assert ELSEWHERE not in [origin for origin, _ in lines.made]
    lines.made[0][1].answer()
    await turns()
    assert not lines.made[0][1].usable
    assert lines.made[-1][0] == ELSEWHERE
    lines.made[-1][1].answer()
    assert await waiting[0] == ANSWER
    for task in first[1:]:
        task.cancel()
    await asyncio.wait(first)


@pytest.mark.parametrize("error", [NotTaken("no connection"), EndpointRefused("not public")])
async def test_if_no_connection_can_be_made_all_that_wait_are_told_why(
    channels: Channels, lines: Lines, error: Exception
) -> None:
    lines.fails = error
    outcomes = await asyncio.gather(*asked(channels, *[HERE] * 5), return_exceptions=True)
    assert {(type(outcome), str(outcome)) for outcome in outcomes} == {(type(error), str(error))}
    assert channels.open == 0


async def test_if_one_of_several_connections_cannot_be_made_the_others_do_the_work(
    channels: Channels, lines: Lines
) -> None:
    first = asked(channels, HERE)
    await turns()
    lines.fails = NotTaken("no connection")
    second = asked(channels, HERE)
    await turns()
    lines.made[0][1].answer()
    await turns()
    lines.made[0][1].answer()
    assert await asyncio.gather(*first, *second) == [ANSWER] * 2


async def test_what_was_handed_over_and_not_answered_in_time_is_not_known(
    channels: Channels, lines: Lines
) -> None:
    (task,) = asked(channels, HERE, within=0.05)
    with pytest.raises(NoAnswer, match=r"no answer in 0\.05 s"):
        await task
    assert lines.made[0][1].abandoned == 1


async def test_what_had_no_connection_in_time_was_surely_not_taken(channels: Channels, lines: Lines) -> None:
    lines.may.clear()
    outcomes = await asyncio.gather(*asked(channels, HERE, HERE, within=0.05), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NotTaken}
    lines.may.set()
    await turns()
    assert [line.under_way for _, line in lines.made] == [[]]


async def test_a_connection_that_is_not_made_in_patience_is_given_up(lines: Lines) -> None:
    lines.may.clear()
    channels = Channels(lines.dial, patience=0.05)
    with pytest.raises(NotTaken, match="no connection in time"):
        await channels.ask(HERE, REQUEST, within=AMPLE)
    await channels.close()


async def test_whoever_stops_waiting_makes_room_for_the_next(channels: Channels, lines: Lines) -> None:
    gone, *others = asked(channels, *[HERE] * 5)
    await turns()
    others[-1].cancel()
    await turns()
    for _, line in lines.made:
        line.answer()
    await turns()
    next(line for _, line in lines.made if line.busy).answer()
    assert await asyncio.gather(gone, *others[:-1]) == [ANSWER] * 4


async def test_a_lost_connection_is_replaced_when_it_is_needed(channels: Channels, lines: Lines) -> None:
    tasks = asked(channels, HERE)
    await turns()
    lines.made[0][1].close()
    with pytest.raises(NoAnswer):
        await tasks[0]
    assert channels.open == 0
    tasks = asked(channels, HERE)
    await turns()
    lines.made[1][1].answer()
    assert await tasks[0] == ANSWER


async def test_when_all_is_closed_nothing_is_left_and_nothing_begins(
    channels: Channels, lines: Lines
) -> None:
    handed = asked(channels, HERE)
    await turns()
    lines.may.clear()
    waiting = asked(channels, THERE)
    await turns()
    await channels.close()
    outcomes = await asyncio.gather(*handed, *waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NoAnswer, NotTaken]
    with pytest.raises(NotTaken):
        await channels.ask(HERE, REQUEST, within=AMPLE)
