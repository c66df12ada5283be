"""A server that stops, is busy, or gets no live events for a while, and says so."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from client.conftest import Recorded
from client.faulty_server import Fault, FaultyServer, Refusal
from client.reading import take

from parley import Client, Subscription


@pytest.fixture
def backoff() -> Recorded:
    return Recorded()


@pytest.fixture
def said() -> asyncio.Queue[bool]:
    """What `on_degraded` was told."""
    return asyncio.Queue()


@pytest.fixture
async def lobby(
    server: FaultyServer, backoff: Recorded, said: asyncio.Queue[bool]
) -> AsyncIterator[Subscription]:
    client = Client(server.url, "a-token", backoff=backoff, on_degraded=said.put_nowait)
    async with client, client.subscribe("lobby") as lobby:
        yield lobby


@pytest.mark.parametrize("code", [4000, 4006])
async def test_a_server_that_closes_is_come_back_to_when_it_says_and_resumed(
    server: FaultyServer, lobby: Subscription, backoff: Recorded, code: int
) -> None:
    server.publish("lobby")
    server.close(code, after=3.2)
    server.publish("lobby")
    assert await take(lobby, 2) == [1, 2]
    assert backoff.waits == [(0, 3.2)]
    assert lobby.recovered


async def test_what_a_server_says_in_closing_counts_also_when_it_is_cut_off_then(
    server: FaultyServer, lobby: Subscription, backoff: Recorded
) -> None:
    server.publish("lobby")
    server.say(type="closing", code=4000, message="as told", retryAfter=3.2)
    assert await take(lobby, 1) == [1]
    server.say(type="event")  # not an event: the client gives the connection up
    server.publish("lobby")
    assert await take(lobby, 1) == [2]
    assert backoff.waits == [(0, 3.2)]


async def test_drains_in_a_row_do_not_make_the_client_slower(
    server: FaultyServer, lobby: Subscription, backoff: Recorded
) -> None:
    for number in range(1, 4):
        server.close(4000, after=0.0)
        server.publish("lobby")
        assert await take(lobby, 1) == [number]
    assert backoff.waits == [(0, 0.0)] * 3


async def test_a_lost_connection_is_a_failure_after_a_drain_too(
    server: FaultyServer, lobby: Subscription, backoff: Recorded
) -> None:
    for number, lose in enumerate([lambda: server.close(4000, after=1.0), server.cut, server.cut], 1):
        lose()
        server.publish("lobby")
        assert await take(lobby, 1) == [number]
    assert backoff.waits == [(0, 1.0), (0, 0.0), (1, 0.0)]


async def test_a_busy_server_is_obeyed_before_it_has_let_anybody_in(
    server: FaultyServer, backoff: Recorded
) -> None:
    server.busy.append(7.0)
    async with Client(server.url, "a-token", backoff=backoff) as client, client.subscribe("lobby"):
        assert backoff.waits == [(0, 7.0)]


async def test_a_server_that_refuses_the_upgrade_for_now_is_obeyed(
    server: FaultyServer, backoff: Recorded
) -> None:
    server.upgrades.extend([Fault(503, {"Retry-After": "7"}), Fault(503), Fault(429, {"Retry-After": "9"})])
    async with Client(server.url, "a-token", backoff=backoff) as client, client.subscribe("lobby"):
        assert backoff.waits == [(0, 7.0), (0, 0.0), (1, 9.0)]


async def test_a_room_that_is_not_available_is_asked_for_when_the_server_says(
    server: FaultyServer, backoff: Recorded
) -> None:
    server.refusals.extend([Refusal("unavailable", after=2.5), Refusal("too_many_requests", after=0.5)])
    async with Client(server.url, "a-token", backoff=backoff) as client, client.subscribe("lobby"):
        assert backoff.waits == [(0, 2.5), (1, 0.5)]


async def test_a_post_waits_for_as_long_as_the_server_asks(server: FaultyServer, backoff: Recorded) -> None:
    server.faults.extend([Fault(503, {"Retry-After": "2"}), Fault(429, {"Retry-After": "1"})])
    async with Client(server.url, "a-token", backoff=backoff) as client:
        await client.post("lobby", "hello", client_id="k1")
    assert backoff.waits == [(0, 2.0), (1, 1.0)]
    assert [post["clientId"] for post in server.posts] == ["k1"] * 3


async def test_a_server_without_live_events_says_so_and_takes_it_back(
    server: FaultyServer, lobby: Subscription, said: asyncio.Queue[bool]
) -> None:
    for kind in ("degraded", "degraded", "restored"):
        server.say(type=kind)
    assert [await said.get(), await said.get()] == [True, False]
    server.publish("lobby")
    assert await take(lobby, 1) == [1]
    assert len(server.heads) == 1


async def test_a_new_connection_is_not_degraded_until_its_server_says_so(
    server: FaultyServer, lobby: Subscription, said: asyncio.Queue[bool]
) -> None:
    server.say(type="degraded")
    assert await said.get()
    server.cut()
    assert not await said.get()


async def test_the_client_knows_whether_its_server_is_degraded(server: FaultyServer) -> None:
    said: asyncio.Queue[bool] = asyncio.Queue()
    client = Client(server.url, "a-token", on_degraded=said.put_nowait)
    async with client, client.subscribe("lobby"):
        assert not client.degraded
        server.say(type="degraded")
        await said.get()
        assert client.degraded
