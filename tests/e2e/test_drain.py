"""A fanout that is stopped sends its clients elsewhere, in waves, with all that they had to get."""

import asyncio
import uuid
from contextlib import AsyncExitStack

import httpx
import pytest
import websockets
from nodes import Client
from processes import cluster, token
from servers import OwnNats

from parley import Client as Sdk

SOCKETS = 250
"""More than fit into two waves."""


async def member(url: str, room: str, stack: AsyncExitStack) -> Client:
    client = Client(await stack.enter_async_context(websockets.connect(f"{url}?token={token()}", proxy=None)))
    assert (await client.receive())["type"] == "connected"
    assert (await client.ask("subscribe", room=room))["type"] == "subscribed"
    return client


async def refused(url: str) -> int:
    """The status that an upgrade is answered with, once it is no longer 101."""
    while True:
        try:
            async with websockets.connect(url, proxy=None):
                pass
        except websockets.InvalidStatus as refusal:
            return refusal.response.status_code


async def test_a_stopped_fanout_sends_everybody_elsewhere(database_url: str, own_nats: OwnNats) -> None:
    room = uuid.uuid4().hex
    settings = {"PARLEY_DRAIN_WINDOW": "2"}
    async with AsyncExitStack() as stack:
        services = stack.enter_context(cluster(database_url, own_nats.url, settings))
        [comments], [fanout] = services.comments, services.fanouts
        poster = await stack.enter_async_context(Sdk(comments.url, token()))
        joining = (member(fanout.socket_url, room, stack) for _ in range(SOCKETS))
        members = await asyncio.gather(*joining)
        stopping = asyncio.create_task(asyncio.to_thread(fanout.stop))
        assert await refused(fanout.socket_url) == 503
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{fanout.url}/readyz")).json()["status"] == "draining"
        posted = [(await poster.post(room, f"text {number}"))["offset"] for number in range(3)]
        codes = await asyncio.gather(*[each.closing() for each in members])
        assert await stopping == 0
        fanout.start()
        await asyncio.to_thread(fanout.ready)
    assert set(codes) == {4000}
    waits = [frame["retryAfter"] for each in members for frame in each.aside if frame["type"] == "closing"]
    assert len(waits) == SOCKETS
    assert len(set(waits)) > 100
    seen = [[frame["offset"] for frame in each.aside if frame["type"] == "event"] for each in members]
    assert all(offsets == posted[: len(offsets)] for offsets in seen)
    assert posted in seen


@pytest.mark.parametrize("sockets", [0, 1])
async def test_a_fanout_with_nobody_to_send_away_stops_at_once(
    database_url: str, own_nats: OwnNats, sockets: int
) -> None:
    async with AsyncExitStack() as stack:
        services = stack.enter_context(cluster(database_url, own_nats.url))
        [fanout] = services.fanouts
        members = [await member(fanout.socket_url, "r", stack) for _ in range(sockets)]
        async with asyncio.timeout(10):  # the window is 30 seconds
            assert await asyncio.to_thread(fanout.stop) == 0
        assert [await each.closing() for each in members] == [4000] * sockets
        fanout.start()
        await asyncio.to_thread(fanout.ready)
