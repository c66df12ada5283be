"""One client that sends, or asks for, more than anybody needs: it is stopped, and nobody else notices."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from hostility import conversation, heard, memory
from processes import Cluster, cluster, token
from rawsocket import Peer, connected, fragments, masked
from servers import database

from fanout.frames import CLOSE, PING, PONG, TEXT
from parley_cli import embedded

MEGABYTE = 1 << 20
TOO_MANY_REQUESTS = (CLOSE, (4004).to_bytes(2, "big"))
STALL = 2
"""Seconds for which a client may take nothing, here."""


def running(
    portal: BlockingPortal, postgres: embedded.Postgres, nats: embedded.Nats, **environ: str
) -> Iterator[Cluster]:
    with (
        portal.wrap_async_context_manager(database(postgres)) as url,
        cluster(url, nats.full_url, {"PARLEY_STALL_SECONDS": str(STALL), **environ}) as services,
    ):
        yield services


@pytest.fixture(scope="module")
def services(
    servers_portal: BlockingPortal, postgres_server: embedded.Postgres, nats_server: embedded.Nats
) -> Iterator[Cluster]:
    """As they are by default, but for posts."""
    limits = {"PARLEY_RATE_LIMITS": "on", "PARLEY_RATE_USER": "10000", "PARLEY_RATE_ADDRESS": "10000"}
    yield from running(servers_portal, postgres_server, nats_server, **limits)


@pytest.fixture(scope="module")
def unlimited(
    servers_portal: BlockingPortal, postgres_server: embedded.Postgres, nats_server: embedded.Nats
) -> Iterator[Cluster]:
    """Without limits to how often one may ask: what is left must still hold."""
    yield from running(servers_portal, postgres_server, nats_server)


@asynccontextmanager
async def welcomed(services: Cluster) -> AsyncIterator[Peer]:
    async with connected(services.fanouts[0].port) as peer:
        peer.send(request(0, "connect", token=token("mallory")))
        opcode, payload = await peer.receive()
        assert (opcode, json.loads(payload)["type"]) == (TEXT, "connected")
        yield peer


def request(id: int, type: str, **fields: object) -> bytes:  # noqa: A002
    return masked(json.dumps({"id": id, "type": type, **fields}).encode())


def flood(kind: str) -> bytes:
    match kind:
        case "pings":
            return masked(b"", PING) * (MEGABYTE // 6)
        case "long pings":
            return masked(bytes(125), PING) * (MEGABYTE // 131)
        case "pongs":
            return masked(bytes(125), PONG) * (MEGABYTE // 131)
        case "fragments":
            return fragments(*[b"x"] * (MEGABYTE // 7))
        case "empty fragments":
            return fragments(*[b""] * (MEGABYTE // 6))
        case "subscribes":
            return b"".join(request(n, "subscribe", room=f"r{n}") for n in range(1000)) * (MEGABYTE // 54_000)
        case _:
            return request(1, "shout") * (MEGABYTE // 33)


@pytest.mark.parametrize(
    "kind", ["pings", "pongs", "fragments", "empty fragments", "subscribes", "invalid requests"]
)
async def test_a_megabyte_at_once_closes_its_connection_only(services: Cluster, kind: str) -> None:
    sent = flood(kind)
    assert 0.9 * MEGABYTE < len(sent) < 1.1 * MEGABYTE
    async with conversation(services) as seen, welcomed(services) as peer:
        peer.send(sent)
        answers = await peer.rest()
        await heard(seen, 10)
    assert answers[-1] == TOO_MANY_REQUESTS
    assert len(answers) <= 1001


async def test_a_client_may_ping_as_often_as_any_needs(services: Cluster) -> None:
    async with welcomed(services) as peer:
        peer.send(masked(b"there?", PING) * 300)
        assert {await peer.receive() for _ in range(300)} == {(PONG, b"there?")}


async def test_many_connections_that_ping_at_line_rate_leave_room_for_others(services: Cluster) -> None:
    async def attack() -> None:
        async with connected(services.fanouts[0].port) as peer:
            peer.send(masked(b"", PING) * 50_000)
            assert (await peer.rest())[-1] == TOO_MANY_REQUESTS

    async with conversation(services) as seen:
        for _ in range(5):
            await asyncio.gather(*(attack() for _ in range(20)))
            await heard(seen, 10)


@pytest.mark.parametrize("kind", ["long pings", "subscribes", "invalid requests"])
async def test_answers_that_nobody_reads_are_bounded(unlimited: Cluster, kind: str) -> None:
    [fanout] = unlimited.fanouts
    async with conversation(unlimited) as seen, welcomed(unlimited) as peer:
        before = memory(fanout)
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # StreamReader offers no other way
        sending = asyncio.create_task(send(peer, flood(kind), 12))
        await heard(seen, 10)
        while (await metrics(fanout.url))["parley_sockets"] > 1:
            await heard(seen, 10)
        assert memory(fanout) - before < 20 * MEGABYTE
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def send(peer: Peer, frames: bytes, times: int) -> None:
    for _ in range(times):
        peer.send(frames)
        await peer.writer.drain()


async def metrics(url: str) -> dict[str, float]:
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
    return {
        name: float(value) for name, _, value in (line.partition(" ") for line in lines if line[:1] != "#")
    }


async def test_coming_and_going_thousands_of_times_leaves_nothing(unlimited: Cluster) -> None:
    [fanout] = unlimited.fanouts
    rooms = [f"r{number % 50}" for number in range(3000)]
    async with welcomed(unlimited) as peer:
        for number, room in enumerate(rooms):
            peer.send(
                request(2 * number, "subscribe", room=room), request(2 * number + 1, "unsubscribe", room=room)
            )
        answers = [json.loads((await peer.receive())[1]) for _ in range(2 * len(rooms))]
    assert {answer["id"] for answer in answers} == set(range(2 * len(rooms)))
    assert {answer["type"] for answer in answers} <= {"subscribed", "unsubscribed", "error"}
    assert {answer["code"] for answer in answers if answer["type"] == "error"} <= {"unsubscribed"}
    assert (await metrics(fanout.url))["parley_members"] == 0
