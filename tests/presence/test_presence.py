"""The service over NATS in memory, in virtual time: what it says and answers, and when it is silent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from attendance import APP, Ears, Holder, ask, beating, replica, shown
from virtualtime import run

from events import subjects
from events.presence import Joined, Person, PresenceQuery
from events.testing import MemoryNats
from presence.service import Parts
from presence.settings import Settings

SETTINGS = Settings(app_id=APP)
JOINED = Joined(people=[Person(user="u3")], count=4).encode()
HOLD = SETTINGS.heartbeat_seconds + 2
DAMPING = SETTINGS.presence_damping


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run the test in virtual time."""

    @wraps(test)
    def sync() -> None:
        run(test())

    return sync


@asynccontextmanager
async def presence(nats: MemoryNats, **changed: Any) -> AsyncIterator[Parts]:
    told = SETTINGS.model_copy(update=changed)
    async with replica(told, nats, nats.leases(fresh=HOLD), nats.last_seen()) as parts:
        yield parts


def fanout(nats: MemoryNats) -> Holder:
    return Holder(nats.leases(), ttl=30, beat=10)


def leads(parts: Parts) -> bool:
    return parts.rules.leading


@asynccontextmanager
async def settled(nats: MemoryNats, **changed: Any) -> AsyncIterator[tuple[Parts, Ears]]:
    """One replica that speaks, and somebody who listens."""
    ears = Ears()
    await ears.listen(nats)
    async with presence(nats, **changed) as parts:
        await asyncio.sleep(HOLD + 1)
        assert ears.restated == 1
        yield parts, ears


@virtual
async def test_who_comes_is_said_at_once_and_who_goes_after_the_damping() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears), beating(fanout(nats)) as holder:
        connection = await holder.hold("u1", "lobby")
        await asyncio.sleep(0.1)
        assert ears.said == [("joined", "lobby", "u1")]
        await holder.drop("u1", connection)
        await asyncio.sleep(DAMPING - 0.1)
        assert len(ears.said) == 1
        await asyncio.sleep(0.2)
        assert ears.said[1:] == [("left", "lobby", "u1")]
        assert ears.counts == {"lobby": 0}


@virtual
async def test_who_reconnects_within_the_damping_did_not_leave() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears), beating(fanout(nats)) as holder:
        connection = await holder.hold("u1", "lobby")
        await asyncio.sleep(1)
        await holder.drop("u1", connection)
        await asyncio.sleep(DAMPING - 0.5)
        await shown(nats, "lobby", "u1")
        await holder.hold("u1", "lobby")
        await asyncio.sleep(60)
        assert ears.said == [("joined", "lobby", "u1")]


@virtual
async def test_people_of_a_killed_fanout_leave_when_their_leases_expire_and_nobody_else_does() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears), beating(fanout(nats)) as survivor:
        await survivor.hold("u1", "lobby")
        await survivor.hold("both", "lobby")
        async with beating(fanout(nats)) as killed:
            await killed.hold("u2", "lobby")
            await killed.hold("both", "lobby")
            await asyncio.sleep(15)
        await asyncio.sleep(30 + 1)
        assert ears.said[3:] == [("left", "lobby", "u2")]
        await shown(nats, "lobby", "both", "u1")


@virtual
async def test_a_storm_of_joins_is_a_few_messages() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears):
        holder = fanout(nats)
        for number in range(5000):
            await holder.hold(f"u{number}", "lobby")
        await asyncio.sleep(1)
        assert len(ears.said) == 5000
        assert ears.messages <= 4
        assert ears.counts["lobby"] == 5000


@virtual
async def test_it_is_not_known_who_is_here_until_the_leases_have_been_read() -> None:
    nats = MemoryNats()
    assert await ask(nats, "lobby") is None
    async with presence(nats), beating(fanout(nats)) as holder:
        await holder.hold("u1", "lobby")
        await shown(nats, "lobby", "u1")


@virtual
async def test_one_that_starts_together_with_nats_need_not_wait_for_who_was_here_before() -> None:
    nats, ears = MemoryNats(), Ears()
    await ears.listen(nats)
    nats.leases(fresh=HOLD).remove()
    await nats.leases().ensure_leases()
    async with (
        replica(SETTINGS, nats, nats.leases(), nats.last_seen(), alone=True) as parts,
        beating(fanout(nats)) as holder,
    ):
        await asyncio.sleep(1)
        await holder.hold("u1", "lobby")
        await asyncio.sleep(0.1)
        assert ears.said == [("joined", "lobby", "u1")]
        nats.leases().remove()
        await asyncio.sleep(2)
        assert not parts.rules.known
        await asyncio.sleep(HOLD)
        assert ears.said == [("joined", "lobby", "u1")]


@virtual
async def test_while_the_bucket_is_new_it_is_not_known_who_is_here() -> None:
    nats = MemoryNats()
    async with settled(nats) as (parts, ears), beating(fanout(nats)) as holder:
        await holder.hold("u1", "lobby")
        await asyncio.sleep(1)
        nats.leases().remove()
        await asyncio.sleep(2)
        assert not parts.rules.known
        assert await ask(nats, "lobby") is None
        await asyncio.sleep(HOLD)
        await shown(nats, "lobby", "u1")
        assert ears.said == [("joined", "lobby", "u1")]
        assert ears.restated == 1


@virtual
async def test_after_the_bucket_was_deleted_only_differences_are_said() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears), beating(fanout(nats)) as holder:
        await holder.hold("stays", "lobby")
        goes = await holder.hold("goes", "lobby")
        await asyncio.sleep(1)
        nats.leases().remove()
        await asyncio.sleep(2)
        await holder.drop("goes", goes)
        await holder.hold("comes", "lobby")
        await asyncio.sleep(HOLD + 1)
        assert sorted(ears.said[2:]) == [("joined", "lobby", "comes"), ("left", "lobby", "goes")]
        assert ears.restated == 1


@virtual
async def test_after_nats_was_away_all_is_asked_anew_instead() -> None:
    nats = MemoryNats()
    async with settled(nats) as (_, ears), beating(fanout(nats)) as holder:
        await holder.hold("u1", "lobby")
        await asyncio.sleep(1)
        nats.go_away()
        await asyncio.sleep(3)
        nats.come_back()
        await asyncio.sleep(0.5)
        assert await ask(nats, "lobby") is None
        await asyncio.sleep(HOLD)
        await shown(nats, "lobby", "u1")
        assert (ears.said, ears.restated) == ([("joined", "lobby", "u1")], 2)


@virtual
async def test_a_replica_answers_nothing_about_another_app() -> None:
    nats = MemoryNats()
    async with settled(nats) as (parts, _):
        other = PresenceQuery(app="other", room="lobby").encode()
        assert await parts.queries.answer(other) is None
        assert await parts.queries.answer(b"{}") == b""


@virtual
async def test_of_two_replicas_one_speaks_and_both_answer_the_same() -> None:
    nats = MemoryNats()
    async with settled(nats) as (first, ears), presence(nats) as second, beating(fanout(nats)) as holder:
        await asyncio.sleep(HOLD + 1)
        connection = await holder.hold("u1", "lobby")
        await asyncio.sleep(1)
        await holder.drop("u1", connection)
        await asyncio.sleep(DAMPING / 2)
        assert (first.rules.leading, second.rules.leading) == (True, False)
        assert first.answers.page("lobby", "", 10) == second.answers.page("lobby", "", 10)
        assert first.answers.page("lobby", "", 10).count == 1
        await asyncio.sleep(DAMPING)
        assert first.answers.page("lobby", "", 10).count == second.answers.page("lobby", "", 10).count == 0
        assert ears.said == [("joined", "lobby", "u1"), ("left", "lobby", "u1")]
        assert ears.restated == 1


@virtual
async def test_when_the_one_that_leads_is_killed_the_other_says_what_it_had_not_said() -> None:
    nats = MemoryNats()
    async with AsyncExitStack() as stack, beating(fanout(nats)) as holder:
        first, ears = await stack.enter_async_context(settled(nats))
        async with presence(nats) as second:
            await asyncio.sleep(60)
            goes = await holder.hold("goes", "lobby")
            await holder.hold("stays", "lobby")
            await asyncio.sleep(1)
            await holder.drop("goes", goes)
            await holder.hold("comes", "lobby")
            first.rules.follow()  # whoever is killed gives no lead away
            await stack.aclose()
            await asyncio.sleep(DAMPING + 5)
            assert second.rules.leading
            assert sorted(ears.said[2:]) == [("joined", "lobby", "comes"), ("left", "lobby", "goes")]
            assert ears.restated == 1


@virtual
async def test_one_that_stops_gives_the_lead_away() -> None:
    nats = MemoryNats()
    async with AsyncExitStack() as stack:
        first, _ = await stack.enter_async_context(settled(nats, presence_lead_ttl=600))
        async with presence(nats, presence_lead_ttl=1) as second:
            await asyncio.sleep(60)
            assert (leads(first), leads(second)) == (True, False)
            await stack.aclose()
            await asyncio.sleep(1)
            assert leads(second)


@virtual
async def test_while_another_one_leads_nothing_is_said_and_afterwards_what_it_has_not_said() -> None:
    nats = MemoryNats()
    async with settled(nats) as (parts, ears), beating(fanout(nats)) as holder:
        u1 = await holder.hold("u1", "lobby")
        await holder.hold("u2", "lobby")
        await asyncio.sleep(1)
        nats.leases()._leads[APP] = ("somebody else", asyncio.get_running_loop().time() + 9)
        await asyncio.sleep(2)
        assert not leads(parts)
        await holder.drop("u1", u1)
        await holder.hold("u3", "lobby")
        await holder.hold("u4", "lobby")
        await nats.send(subjects.presence(APP, "lobby", "joined"), JOINED)
        await asyncio.sleep(DAMPING + 1)
        assert len(ears.said) == 3
        await asyncio.sleep(3)
        assert leads(parts)
        assert sorted(ears.said[3:]) == [("joined", "lobby", "u4"), ("left", "lobby", "u1")]
        assert ears.restated == 1


@virtual
async def test_a_lead_that_cannot_be_renewed_ends_before_another_may_begin() -> None:
    nats = MemoryNats()
    async with settled(nats) as (parts, _):
        nats.away = True  # without a word
        await asyncio.sleep(SETTINGS.presence_lead_ttl + 0.1)
        assert not parts.rules.leading


@virtual
async def test_what_is_asked_of_a_room_has_devices_and_when_people_were_last_here() -> None:
    nats = MemoryNats()
    async with settled(nats), beating(fanout(nats)) as holder:
        away = await holder.hold("away", "lobby", "attic")
        await holder.hold("here", "lobby")
        await holder.hold("here", "lobby")
        await holder.hold("elsewhere", "attic")
        await asyncio.sleep(2)
        await holder.drop("away", away)
        await asyncio.sleep(DAMPING + 2)
        answer = await ask(nats, "lobby", "away", "here", "elsewhere", "nobody")
        assert answer is not None
        assert answer.count == 1
        assert answer.people == []
        away_, here, elsewhere, nobody = answer.asked
        assert (away_.here, here.here, elsewhere.here, nobody.here) == (False, True, False, False)
        assert len(here.devices) == 2
        assert away_.last_seen is not None
        assert here.last_seen is not None
        assert elsewhere.last_seen is None, "whoever was never in this room is not told of there"
        assert nobody.last_seen is None


@virtual
async def test_when_somebody_was_last_here_is_known_as_soon_as_they_have_left() -> None:
    nats = MemoryNats()
    async with settled(nats, last_seen_refresh=3600.0) as (_, ears), beating(fanout(nats)) as holder:
        connection = await holder.hold("u1", "lobby")
        await asyncio.sleep(60)
        before = datetime.now(UTC)
        await holder.drop("u1", connection)
        await ears.until(("joined", "lobby", "u1"), ("left", "lobby", "u1"))
        answer = await ask(nats, "lobby", "u1")
        assert answer is not None
        [u1] = answer.asked
        assert u1.last_seen is not None
        assert u1.last_seen >= before


@virtual
async def test_everybody_who_is_here_is_written_down_again_and_again() -> None:
    nats = MemoryNats()
    async with settled(nats, last_seen_refresh=60.0) as (parts, _), beating(fanout(nats)) as holder:
        for number in range(30):
            await holder.hold(f"u{number}", "lobby")
        await asyncio.sleep(2)
        assert parts.diary.written == 30
        await asyncio.sleep(60)
        assert 59 <= parts.diary.written <= 62
        assert set(nats.last_seen().values) == {subjects.last_seen(APP, f"u{n}") for n in range(30)}


@virtual
async def test_what_could_not_be_written_is_written_later() -> None:
    nats = MemoryNats()
    async with settled(nats) as (parts, _), beating(fanout(nats)) as holder:
        nats.last_seen().remove()
        await holder.hold("u1", "lobby")
        await asyncio.sleep(3)
        assert parts.diary.written == 0
        await nats.last_seen().ensure_last_seen()
        await asyncio.sleep(2)
        assert parts.diary.written == 1
