"""What a native client is told when the server is in trouble, about to stop, or done with its token."""

import asyncio
import contextlib
from typing import Any

import pytest
import websockets
from fakelog import EPOCH, ROOM
from nodes import Client, Node, node, token

from fanout.closes import Close


async def until(client: Client, kind: str) -> dict[str, Any]:
    """The next frame of that type; what comes before is put aside."""
    while (frame := await client.receive())["type"] != kind:
        client.aside.append(frame)
    return frame


# A new token


async def test_the_client_is_told_before_its_token_expires() -> None:
    async with node() as n, n.client(ttl=2) as client:
        warning = await until(client, "expiring")
        assert 0 < warning["seconds"] <= 1
        assert await client.closing() == Close.TOKEN_EXPIRED


async def test_a_new_token_keeps_the_connection() -> None:
    async with node() as n, n.client(ttl=2) as client:
        await until(client, "expiring")
        answer = await client.ask("refresh", token=token(ttl=600))
        assert answer.pop("seconds") == pytest.approx(600, abs=3)
        assert answer == {"type": "refreshed"}
        await asyncio.sleep(1.5)  # the old token's end
        assert (await client.ask("subscribe", room=ROOM))["type"] == "subscribed"


@pytest.mark.parametrize("bad", ["nonsense", token("u2"), token(ttl=-60)])
async def test_a_token_that_cannot_be_used_leaves_the_old_one(bad: str) -> None:
    async with node() as n, n.member() as client:
        assert await client.refusal("refresh", token=bad) == "invalid_token"
        n.post()
        assert await client.events(1) == [1]


async def test_rooms_that_the_new_token_does_not_allow_are_left() -> None:
    async with node() as n, n.client(ROOM="rw") as stranger, n.client() as client:
        await stranger.ask("refresh", token=token())
        for room in (ROOM, "elsewhere"):
            await client.ask("subscribe", room=room)
        await client.ask("refresh", token=token(elsewhere="r"))
        refused = await client.receive()
        assert (refused["code"], refused["room"], "id" in refused) == ("forbidden", ROOM, False)
        assert await client.refusal("subscribe", room=ROOM) == "forbidden"
        assert await client.refusal("typing", room="elsewhere") == "forbidden"
        assert await client.refusal("unsubscribe", room=ROOM) == "not_subscribed"


async def test_a_refresh_before_connect_closes() -> None:
    async with node() as n, n.stranger() as client:
        await client.send("refresh", token=token())
        assert await client.closing() == Close.NOT_CONNECTED


# NATS away


async def test_everybody_is_told_when_events_stop_and_when_they_flow_again() -> None:
    async with node(degraded_after=0) as n, n.member() as client:
        n.nats.go_away()
        assert await client.receive() == {"type": "degraded"}
        missed = n.log.append(2)
        n.nats.come_back()
        assert await client.events(2) == [record.offset for record in missed]
        assert await client.receive() == {"type": "restored"}


async def test_one_who_connects_meanwhile_is_told_too() -> None:
    async with node(degraded_after=0) as n, n.member() as first:
        n.nats.go_away()
        await until(first, "degraded")
        async with n.client("u2") as late:
            assert await late.receive() == {"type": "degraded"}
            n.nats.come_back()
            assert await late.receive() == {"type": "restored"}
        async with n.member("u3") as later:
            n.post()
            assert await later.events(1) == [1]


async def test_a_short_outage_is_nothing_to_speak_of() -> None:
    async with node(degraded_after=30) as n, n.member() as client:
        n.nats.go_away()
        n.log.append()
        n.nats.come_back()
        assert await client.events(1) == [1]
        n.post()
        assert await client.events(1) == [2]
        assert not n.roster.degraded


async def test_events_are_not_said_to_flow_before_the_log_can_be_read() -> None:
    async with node(degraded_after=0) as n, n.member() as client:
        n.nats.go_away()
        await until(client, "degraded")
        n.log.available = False
        n.log.append()
        n.nats.come_back()
        await asyncio.sleep(0.7)  # more than one try to read the log
        assert n.roster.degraded
        n.log.available = True
        assert await client.events(1) == [1]
        assert await client.receive() == {"type": "restored"}


# Draining


async def test_a_drain_sends_each_client_elsewhere_with_all_that_it_has_to_get() -> None:
    async with node() as n, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(n.member(f"u{number}")) for number in range(5)]
        n.post(3)
        draining = asyncio.create_task(n.roster.drain(30.0))
        waits = []
        for client in clients:
            assert await client.closing() == Close.RESUME_ELSEWHERE
            *events, closing = client.aside
            assert [frame["offset"] for frame in events] == [1, 2, 3]
            assert (closing["type"], closing["code"]) == ("closing", 4000)
            waits.append(closing["retryAfter"])
        await draining
        assert waits == sorted(set(waits))
        assert 0.5 <= min(waits) <= max(waits) < 1.5


async def test_a_draining_server_takes_nobody_in() -> None:
    async with node() as n:
        await n.roster.drain(0.0)
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await websockets.connect(n.url, proxy=None)
    response = refusal.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert b'"draining"' in (response.body or b"")


# Too many, too slow, too fast


async def busy(n: Node) -> float:
    """Come, and be asked to come later."""
    async with n.stranger(f"?token={token()}") as client:
        assert await client.closing() == Close.BUSY
    [closing] = client.aside
    assert (closing["type"], closing["code"]) == ("closing", 4006)
    return float(closing["retryAfter"])


async def test_those_who_come_beyond_the_pace_are_asked_to_wait_their_turn() -> None:
    async with node(connects_per_second=0.5, connects_burst=1) as n, n.member() as client:
        first, second = await busy(n), await busy(n)
        assert 0 < first < second
        assert n.roster.figures.busy == 2
        n.post()
        assert await client.events(1) == [1]


async def test_one_who_takes_nothing_is_closed_and_can_resume() -> None:
    async with node(write_high=4096, stall_seconds=0.3, ping_seconds=60) as n, n.member() as client:
        client.socket.transport.pause_reading()
        while n.roster.figures.slow == 0:
            n.post(200)
            await asyncio.sleep(0.02)
        client.socket.transport.resume_reading()
        assert await client.closing() == Close.TOO_SLOW
        seen = [frame["offset"] for frame in client.aside]
        assert seen == list(range(1, len(seen) + 1))
        async with n.client() as again:
            since = {"epoch": EPOCH, "offset": seen[-1]}
            assert (await again.ask("subscribe", room=ROOM, since=since))["recovered"] is True
            missed = await again.events(n.log.head - seen[-1])
    assert [*seen, *missed] == list(range(1, n.log.head + 1))


async def test_one_who_takes_little_by_little_stays() -> None:
    async with (
        node(write_high=4096, stall_seconds=0.3, ping_seconds=60, ring_bytes=0) as n,
        n.member() as client,
    ):
        transport = client.socket.transport
        transport.pause_reading()
        n.post(5000)
        for _ in range(10):
            await asyncio.sleep(0.1)
            transport.resume_reading()
            await asyncio.sleep(0)
            transport.pause_reading()
        transport.resume_reading()
        assert await client.events(5000) == list(range(1, 5001))
        assert n.roster.figures.slow == 0


async def test_signals_are_shed_first() -> None:
    async with (
        node(write_high=1 << 20, shed_above=0, rate_limits="off") as n,
        n.member() as slow,
        n.member("u2") as other,
    ):
        slow.socket.transport.pause_reading()
        while n.hub.figures.shed == 0:
            await other.ask("signal", room=ROOM, name="cursor", data="x" * 4000)
        n.post()
        slow.socket.transport.resume_reading()
        assert (await until(slow, "event"))["offset"] == 1
        assert n.hub.figures.paused == 0
