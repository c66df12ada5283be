"""Who comes in and how all leave: the pace, the waves, and what everybody is told."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from virtualtime import run

from chassis.limits import Rate
from fanout.members import Outlet, Sink
from fanout.roster import SMALL_WAVE, WAVE_SECONDS, Pace, Roster, waves


class Guest:
    """A connection that notes what it is told, and goes when it is asked to."""

    stalled = False

    def __init__(self, name: str, roster: Roster) -> None:
        self.id = name
        self.told: list[str] = []
        self.retired: tuple[float, float] | None = None
        self._roster = roster
        roster.add(self)

    @property
    def socket(self) -> Outlet:
        raise AssertionError("the roster writes to nobody")

    def lost(self, room: str) -> None:
        raise AssertionError("the roster knows no room")

    def failed(self) -> None:
        raise AssertionError("the roster begins nothing for it")

    def degraded(self) -> None:
        self.told.append("degraded")

    def restored(self) -> None:
        self.told.append("restored")

    def retire(self, after: float) -> None:
        assert self.retired is None
        self.retired = asyncio.get_running_loop().time(), after
        self._roster.remove(self)


def crowd(count: int, roster: Roster) -> Sequence[Guest]:
    return [Guest(f"c{number}", roster) for number in range(count)]


@given(
    rate=st.floats(1, 1000),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 1), min_size=1, max_size=200),
)
def test_no_more_come_in_than_the_pace_allows(rate: float, burst: int, gaps: list[float]) -> None:
    pace, now, admitted = Pace(Rate(rate, burst)), 0.0, 0
    for gap in gaps:
        now += gap
        admitted += pace.take(now) == 0
        assert admitted <= burst + now * rate + 1e-6


def test_those_beyond_the_pace_are_given_later_and_later_places() -> None:
    pace = Pace(Rate(10, 1))
    waits = [pace.take(100.0) for _ in range(20)]
    assert waits[0] == 0
    assert waits[1:] == sorted(set(waits[1:]))
    assert 0.1 <= waits[1] < 0.2
    assert 1.9 < waits[-1] < 2.5


def test_all_who_come_back_at_their_places_are_let_in() -> None:
    pace = Pace(Rate(100, 10))
    queue, admitted, tries = [0.0] * 500, 0, 0
    while queue:
        now = queue.pop(0)
        tries += 1
        wait = pace.take(now)
        if wait == 0:
            admitted += 1
        else:
            queue = sorted([*queue, now + wait * 1.1])
    assert admitted == 500
    assert tries <= 1100


@given(count=st.integers(0, 5000), window=st.floats(0, 60))
def test_waves_take_everybody_once_within_the_window(count: int, window: float) -> None:
    roster = Roster(10_000, None)
    guests = crowd(count, roster)
    shares = list(waves(guests, window))
    assert [guest for share in shares for guest in share] == list(guests)
    assert (len(shares) - 1) * WAVE_SECONDS <= window
    assert all(len(share) >= SMALL_WAVE for share in shares[:-1])


def test_a_drain_spreads_a_crowd_over_the_window() -> None:
    async def drain() -> None:
        roster = Roster(10_000, None)
        guests = crowd(3000, roster)
        began = asyncio.get_running_loop().time()
        await roster.drain(10.0)
        returns = sorted(sum(guest.retired or ()) - began for guest in guests)
        assert roster.draining
        assert roster.figures.drained == 3000
        assert 9.0 < returns[-1] < 11
        assert max(later - sooner for sooner, later in pairwise(returns)) < 0.1

    run(drain())


def test_a_few_are_sent_away_at_once() -> None:
    async def drain() -> None:
        roster, clock = Roster(10, None), asyncio.get_running_loop().time
        crowd(3, roster)
        began = clock()
        await roster.drain(30.0)
        assert clock() == began

    run(drain())


async def test_an_empty_roster_drains_at_once() -> None:
    roster = Roster(10, None)
    async with asyncio.timeout(10):  # the window is 30 seconds
        await roster.drain(30.0)
    assert (roster.draining, roster.figures.drained) == (True, 0)


async def test_a_drain_waits_for_those_who_still_go() -> None:
    class Slow(Guest):
        def retire(self, after: float) -> None:
            pass

    roster = Roster(10, None)
    slow: Sink = Slow("c1", roster)
    draining = asyncio.create_task(roster.drain(0.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not draining.done()
    roster.remove(slow)
    await draining


async def test_everybody_is_told_that_events_stop_and_flow_again() -> None:
    roster = Roster(10, None)
    guests = crowd(3, roster)
    roster.degrade()
    roster.restore()
    assert [guest.told for guest in guests] == [["degraded", "restored"]] * 3


async def test_a_roster_is_full_at_its_limit() -> None:
    roster = Roster(2, None)
    first, _ = crowd(2, roster)
    assert roster.full
    roster.remove(first)
    assert not roster.full
