"""Leases of connections: begun, extended in time and ended, whatever happens to NATS; in virtual time."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from distant import LATENCY, Distant
from hypothesis import given, settings
from hypothesis import strategies as st
from virtualtime import VirtualLoop, run

from events import subjects
from events.leases import Leases
from events.presence import Lease
from fanout.heartbeats import CLOSE_SECONDS, TURN_SECONDS, Heartbeats
from fanout.window import IN_FLIGHT, LONGEST_PAUSE

APP, TTL, INTERVAL = "app", 30.0, 10.0
SOON = 2 * TURN_SECONDS + 2 * LATENCY
"""Seconds after which a change is there."""
HEALED = LONGEST_PAUSE + SOON
"""After which an outage that ended is over for heartbeats too."""


def lease(connection: str, *rooms: str) -> Lease:
    """Every connection is another user's."""
    return Lease(user=f"u-{connection}", rooms=list(rooms), since=datetime(2026, 11, 23, tzinfo=UTC))


def kept(*held: tuple[str, Lease]) -> dict[str, bytes]:
    """What the bucket has if these are held."""
    return {subjects.lease(APP, lease.user, connection): lease.encode() for connection, lease in held}


@asynccontextmanager
async def running(leases: Leases, ttl: float = TTL, interval: float = INTERVAL) -> AsyncIterator[Heartbeats]:
    heartbeats = Heartbeats(leases, APP, ttl=ttl, interval=interval)
    task = asyncio.create_task(heartbeats.run())
    try:
        yield heartbeats
    finally:
        task.cancel()


def beating(test: Callable[[Heartbeats, Distant], Awaitable[None]], latency: float = LATENCY) -> None:
    """Run it in virtual time."""

    async def main() -> None:
        distant = Distant(latency)
        async with running(distant) as heartbeats:
            await test(heartbeats, distant)

    run(main())


def hold(heartbeats: Heartbeats, count: int) -> dict[str, bytes]:
    """So many connections; what the bucket is to have of them."""
    held = [(f"c{number}", lease(f"c{number}", "lobby")) for number in range(count)]
    for connection, each in held:
        heartbeats.hold(connection, each)
    return kept(*held)


def test_a_lease_is_there_at_once_and_gone_at_once() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1", "lobby"))
        await asyncio.sleep(SOON)
        assert distant.live == kept(("c1", lease("c1", "lobby")))
        assert heartbeats.figures.leases == 1
        heartbeats.drop("c1")
        await asyncio.sleep(SOON)
        assert distant.live == {}
        assert heartbeats.figures.leases == 0

    beating(test)


def test_changes_of_a_moment_are_one_message_with_the_newest_value() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        for rooms in (), ("lobby",), ("lobby", "hall"):
            heartbeats.hold("c1", lease("c1", *rooms))
        await asyncio.sleep(SOON)
        assert distant.live == kept(("c1", lease("c1", "lobby", "hall")))
        assert len(distant.sent) == 1

    beating(test)


def test_what_is_held_already_is_not_sent_again() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        for _ in range(3):
            heartbeats.hold("c1", lease("c1"))
            await asyncio.sleep(SOON)
        assert len(distant.sent) == 1
        assert heartbeats.figures.leases == 1

    beating(test)


def test_one_that_comes_and_goes_within_a_moment_sends_nothing() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1"))
        heartbeats.drop("c1")
        heartbeats.drop("c1")
        heartbeats.drop("somebody else")
        await asyncio.sleep(2 * INTERVAL)
        assert distant.sent == []

    beating(test)


def test_one_that_changes_and_goes_within_a_moment_is_only_ended() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(SOON)
        heartbeats.hold("c1", lease("c1", "lobby"))
        heartbeats.drop("c1")
        await asyncio.sleep(2 * INTERVAL)
        assert [value for _, _, value in distant.sent] == [lease("c1").encode(), None]

    beating(test)


def test_every_lease_is_extended_once_an_interval_and_never_late() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(5 * INTERVAL)
        assert distant.live == held
        times = defaultdict(list)
        for time, key, _ in distant.sent:
            times[key].append(time)
        for beats in times.values():
            assert len(beats) <= 6
            assert max(later - earlier for earlier, later in pairwise(beats)) < INTERVAL + 2 * TURN_SECONDS

    beating(test)


def test_beats_are_spread_evenly_over_the_interval() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 1000)
        await asyncio.sleep(5 * INTERVAL)
        seconds = Counter(int(time) for time, _, _ in distant.sent)
        assert all(90 <= seconds[second] <= 110 for second in range(2, 50))

    beating(test)


def test_no_more_than_allowed_are_in_flight() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 3 * IN_FLIGHT)
        await asyncio.sleep(INTERVAL)
        assert distant.live == held
        assert distant.most == IN_FLIGHT

    beating(test)


def test_a_connection_without_end_costs_no_more_than_its_beats() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 1)
        await asyncio.sleep(100 * INTERVAL)
        assert heartbeats.figures.beats == pytest.approx(101, abs=1)
        assert heartbeats.failures == 0

    beating(test)


def test_without_leases_nothing_ticks() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with running(Distant()) as heartbeats:
            heartbeats.hold("c1", lease("c1"))
            await asyncio.sleep(1)
            heartbeats.drop("c1")
            await asyncio.sleep(1)
            before = loop.turns
            await asyncio.sleep(86_400)
        return loop.turns - before

    assert run(main()) < 10


# Outages


def test_an_outage_is_said_once_when_it_begins_and_once_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 100)
        await asyncio.sleep(INTERVAL)
        distant.break_off()
        await asyncio.sleep(3 * INTERVAL)
        distant.mend()
        await asyncio.sleep(3 * INTERVAL)

    with caplog.at_level(logging.INFO, logger="fanout"):
        beating(test)
    assert caplog.messages == ["heartbeats wait for NATS: away", "heartbeats have NATS again"]


def test_while_nats_is_away_it_is_tried_a_few_times_and_not_by_all() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        distant.break_off()
        await asyncio.sleep(1)
        before = len(distant.sent)
        await asyncio.sleep(60)
        assert len(distant.sent) - before == pytest.approx(60 / LONGEST_PAUSE, rel=0.1)

    beating(test)


@pytest.mark.parametrize("seconds", [1, INTERVAL], ids=str)
def test_a_bucket_that_was_deleted_and_made_anew_has_all_leases_at_once(seconds: float) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        distant.delete()
        await asyncio.sleep(seconds)
        distant.mend()
        assert distant.live == {}
        await asyncio.sleep(HEALED)
        assert distant.live == held
        assert distant.most <= IN_FLIGHT

    beating(test)


def test_a_bucket_that_was_emptied_unnoticed_has_all_leases_within_an_interval() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 3)
        await asyncio.sleep(INTERVAL)
        distant.delete()
        distant.mend()
        await asyncio.sleep(INTERVAL + SOON)
        assert distant.live == held

    beating(test)


def test_a_server_that_is_only_slow_is_not_flooded() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        before = len(distant.sent)
        for _ in range(10):
            distant.break_off(arrive=True)
            await asyncio.sleep(LONGEST_PAUSE / 2)
            distant.mend()
            await asyncio.sleep(LONGEST_PAUSE)
        assert len(distant.sent) - before < 5 * 1000

    beating(test)


def test_what_a_broken_connection_lost_is_sent_again_at_once() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        for number in range(5):
            heartbeats.hold(f"c{number}", lease(f"c{number}"))
            while not distant.sent or distant.sent[-1][2] != lease(f"c{number}").encode():
                await asyncio.sleep(LATENCY / 10)
            distant.break_off()
            distant.mend()
            await asyncio.sleep(HEALED)
            assert len(distant.live) == number + 1

    beating(test)


def test_one_that_comes_back_while_its_end_is_on_its_way_stays() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(1)
        heartbeats.drop("c1")
        await asyncio.sleep(SOON)
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(2 * TTL)
        assert distant.live == kept(("c1", lease("c1")))

    beating(test, latency=5 * SOON)


def test_one_that_comes_back_and_goes_again_is_gone_whenever_its_ends_are_confirmed() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        for hundredths in range(0, 50, 2):
            heartbeats.hold("c1", lease("c1"))
            await asyncio.sleep(2)
            heartbeats.drop("c1")
            await asyncio.sleep(SOON)
            heartbeats.hold("c1", lease("c1"))
            await asyncio.sleep(hundredths / 100)
            heartbeats.drop("c1")
            await asyncio.sleep(2)
            assert distant.live == {}

    beating(test, latency=2 * SOON)


def test_an_end_that_is_lost_is_repeated_even_if_an_earlier_one_was_confirmed() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(2)
        heartbeats.drop("c1")
        await asyncio.sleep(SOON)
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(SOON)
        heartbeats.drop("c1")
        while distant.live != {} or len(distant.sent) < 4:
            await asyncio.sleep(TURN_SECONDS / 10)
        while distant.live == {}:  # the second life arrives
            await asyncio.sleep(TURN_SECONDS / 10)
        distant.break_off()
        distant.mend()
        await asyncio.sleep(2 * HEALED)
        assert distant.live == {}

    beating(test, latency=5 * SOON)


def test_one_that_comes_back_when_its_end_is_no_longer_waited_for_stays() -> None:
    async def test(hundredths: int) -> None:
        distant = Distant()
        async with running(distant, ttl=1, interval=0.5) as heartbeats:
            heartbeats.hold("c1", lease("c1"))
            await asyncio.sleep(1)
            distant.frozen = True
            heartbeats.drop("c1")
            await asyncio.sleep(hundredths / 100)
            heartbeats.hold("c1", lease("c1"))
            distant.mend()
            await asyncio.sleep(3)
            assert distant.live == kept(("c1", lease("c1")))

    for hundredths in range(190, 290, 2):
        run(test(hundredths))


def test_one_that_is_dropped_while_nats_is_away_is_ended_when_it_is_back() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 100)
        await asyncio.sleep(1)
        distant.break_off()
        for number in range(50):
            heartbeats.drop(f"c{number}")
        await asyncio.sleep(5)
        assert distant.live == held
        distant.mend()
        await asyncio.sleep(HEALED)
        assert distant.live == dict(list(held.items())[50:])

    beating(test)


def test_those_that_have_certainly_expired_are_not_ended_any_more() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 1000)
        await asyncio.sleep(1)
        distant.break_off()
        for number in range(1000):
            heartbeats.drop(f"c{number}")
        await asyncio.sleep(3 * TTL)
        before = len(distant.sent)
        distant.mend()
        await asyncio.sleep(INTERVAL)
        assert distant.sent[before:] == []

    beating(test)


def test_one_that_hung_on_its_way_does_not_come_back_to_life() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        distant.frozen = True
        heartbeats.hold("c1", lease("c1"))
        await asyncio.sleep(SOON)
        heartbeats.drop("c1")
        await asyncio.sleep(10)
        distant.mend()
        await asyncio.sleep(HEALED)
        assert distant.live == {}

    beating(test)


# A full bucket


@pytest.mark.parametrize("refused", [1, 200, 3000], ids=str)
def test_a_full_bucket_keeps_what_it_has_and_takes_the_others_once_there_is_room(refused: int) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        distant.full, late = True, [(f"late{number}", lease(f"late{number}")) for number in range(refused)]
        for each in late:
            heartbeats.hold(*each)
        beats, failures = heartbeats.figures.beats, heartbeats.failures
        for _ in range(round(6 * TTL)):
            await asyncio.sleep(1)
            assert distant.live == held
        assert heartbeats.figures.beats - beats == pytest.approx(1000 * 6 * TTL / INTERVAL, rel=0.01)
        assert heartbeats.failures - failures == pytest.approx(refused * (6 * TTL / INTERVAL + 1), rel=0.1)
        distant.full = False
        await asyncio.sleep(INTERVAL + SOON)
        assert distant.live == held | kept(*late)

    beating(test)


def test_what_is_refused_is_tried_once_an_interval() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        distant.full = True
        hold(heartbeats, 1)
        await asyncio.sleep(10 * INTERVAL)
        times = [time for time, _, _ in distant.sent]
        assert len(times) == pytest.approx(11, abs=1)
        assert min(later - earlier for earlier, later in pairwise(times[1:])) > INTERVAL - 2 * TURN_SECONDS

    beating(test)


def test_that_the_bucket_is_full_is_said_once_and_that_it_has_room_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        distant.full = True
        hold(heartbeats, 100)
        await asyncio.sleep(6 * INTERVAL)
        distant.full = False
        await asyncio.sleep(6 * INTERVAL)

    with caplog.at_level(logging.INFO, logger="fanout"):
        beating(test)
    assert caplog.messages == ["NATS has no room for all leases", "NATS has room for all leases again"]


def test_a_lease_that_cannot_grow_goes_on_as_it_was_until_there_is_room() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        distant.full = True
        larger = [(f"c{number}", lease(f"c{number}", "lobby", "hall")) for number in range(500)]
        for each in larger:
            heartbeats.hold(*each)
        for _ in range(round(4 * TTL)):
            await asyncio.sleep(1)
            assert distant.live == held
        distant.full = False
        await asyncio.sleep(INTERVAL + SOON)
        assert distant.live == held | kept(*larger)

    beating(test)


def test_a_lease_that_cannot_grow_can_shrink() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1", "lobby"))
        await asyncio.sleep(INTERVAL)
        distant.full = True
        for rooms in ("lobby", "hall"), ("yard",), ("lobby", "hall"), ():
            heartbeats.hold("c1", lease("c1", *rooms))
            await asyncio.sleep(SOON)
        assert distant.live == kept(("c1", lease("c1")))

    beating(test)


def test_a_value_that_is_newer_than_the_refused_one_is_sent_at_once() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1", "lobby"))
        await asyncio.sleep(INTERVAL / 2)
        distant.full = True
        heartbeats.hold("c1", lease("c1", "lobby", "hall"))
        while heartbeats.failures == 0:
            await asyncio.sleep(LATENCY / 10)
        heartbeats.hold("c1", lease("c1", "yard"))
        await asyncio.sleep(SOON)
        assert distant.live == kept(("c1", lease("c1", "yard")))

    beating(test)


def test_one_that_has_no_room_when_it_comes_back_is_not_shown_as_it_was() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        heartbeats.hold("c1", lease("c1", "lobby"))
        await asyncio.sleep(INTERVAL / 2)
        heartbeats.drop("c1")
        while len(distant.sent) < 2:
            await asyncio.sleep(TURN_SECONDS / 10)
        heartbeats.hold("c1", lease("c1", "lobby", "hall"))
        while distant.live:
            await asyncio.sleep(TURN_SECONDS / 10)
        distant.full = True
        await asyncio.sleep(2 * INTERVAL)
        assert {value for _, _, value in distant.sent[2:]} == {lease("c1", "lobby", "hall").encode()}

    beating(test, latency=5 * SOON)


def test_an_end_that_is_refused_is_tried_again() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 100)
        await asyncio.sleep(1)
        distant.refused = set(held)
        for number in range(100):
            heartbeats.drop(f"c{number}")
        await asyncio.sleep(1)
        assert distant.live == held
        distant.refused = set()
        await asyncio.sleep(INTERVAL + SOON)
        assert distant.live == {}

    beating(test)


def test_the_end_does_not_wait_for_ever_for_what_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        distant.refused = set(list(hold(heartbeats, 3))[:1])
        await asyncio.sleep(1)
        distant.refused = set(distant.live)
        began = asyncio.get_running_loop().time()
        await heartbeats.close()
        assert asyncio.get_running_loop().time() - began == pytest.approx(CLOSE_SECONDS)

    beating(test)
    assert "2 leases could not be ended: they will expire" in caplog.messages


def test_those_that_were_refused_and_go_are_forgotten() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        distant.full = True
        hold(heartbeats, 100)
        await asyncio.sleep(1)
        for number in range(100):
            heartbeats.drop(f"c{number}")
        await asyncio.sleep(SOON)
        before = len(distant.sent)
        await asyncio.sleep(2 * TTL)
        assert len(distant.sent) == before
        hold(heartbeats, 100)
        await asyncio.sleep(1)
        await heartbeats.close()

    beating(test)


def test_a_bucket_that_is_full_after_an_outage_ends_it() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(INTERVAL)
        distant.full, late = True, [(f"late{number}", lease(f"late{number}")) for number in range(200)]
        for each in late:
            heartbeats.hold(*each)
        distant.break_off()
        await asyncio.sleep(1)
        distant.broken = False
        before = heartbeats.figures.beats
        await asyncio.sleep(HEALED)
        assert distant.live == held
        assert heartbeats.figures.beats - before >= 1000

    beating(test)


# The end


def test_all_leases_end_when_the_service_does() -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held = hold(heartbeats, 1000)
        await asyncio.sleep(1)
        assert distant.live == held
        await heartbeats.close()
        assert distant.live == {}
        heartbeats.hold("late", lease("late"))
        await asyncio.sleep(1)
        assert distant.live == {}

    beating(test)


async def test_leases_end_also_when_nothing_runs_any_more() -> None:
    distant = Distant()
    async with running(distant) as heartbeats:
        held = hold(heartbeats, 10)
        while distant.live != held:
            await asyncio.sleep(0.01)
    await heartbeats.close()
    assert distant.live == {}


@pytest.mark.parametrize("frozen", [False, True], ids=["broken", "frozen"])
def test_the_end_does_not_wait_for_nats_for_ever(frozen: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        hold(heartbeats, 3)
        await asyncio.sleep(1)
        distant.frozen, distant.broken = frozen, not frozen
        began = asyncio.get_running_loop().time()
        await heartbeats.close()
        assert asyncio.get_running_loop().time() - began == pytest.approx(CLOSE_SECONDS)

    beating(test)
    assert "3 leases could not be ended: they will expire" in caplog.messages


@pytest.mark.parametrize(("ttl", "interval"), [(30, 15.1), (30, 0), (30, -1)], ids=str)
def test_beats_that_would_be_late_are_refused(ttl: float, interval: float) -> None:
    with pytest.raises(ValueError, match="half of their time to live"):
        Heartbeats(Distant(), APP, ttl=ttl, interval=interval)


# Anything in any order

CONNECTIONS = st.sampled_from(["c1", "c2"])
CHANGES = st.one_of(
    st.tuples(st.just("hold"), CONNECTIONS, st.sampled_from(["lobby", "hall"])),
    st.tuples(st.just("drop"), CONNECTIONS, st.just("")),
)
TROUBLE = st.tuples(
    st.sampled_from(["lose", "break", "freeze", "delete", "fill", "mend"]), st.just(""), st.just("")
)
WAITS = st.sampled_from([0.0, 0.06, 0.06, 0.3, 3.0, 40.0])
Step = tuple[tuple[str, str, str], float]
STEPS = st.lists(st.tuples(st.one_of(CHANGES, CHANGES, TROUBLE), WAITS), max_size=40)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, latency=st.sampled_from([0.001, LATENCY, 0.2, 1.0]))
def test_at_rest_the_bucket_has_exactly_what_is_held(steps: list[Step], latency: float) -> None:
    async def test(heartbeats: Heartbeats, distant: Distant) -> None:
        held: dict[str, Lease] = {}
        for (what, connection, room), seconds in steps:
            if what == "hold":
                held[connection] = lease(connection, room)
                heartbeats.hold(connection, held[connection])
            elif what == "drop":
                held.pop(connection, None)
                heartbeats.drop(connection)
            else:
                distant.suffer(what)
            await asyncio.sleep(seconds)
        distant.mend()
        await asyncio.sleep(INTERVAL + HEALED + 2 * latency)
        for _ in range(8):
            assert distant.live == kept(*held.items())
            assert heartbeats.figures.leases == len(held)
            await asyncio.sleep(INTERVAL / 3)

    beating(test, latency)
