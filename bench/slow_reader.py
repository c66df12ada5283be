"""1,000 sockets of one room, one of which takes nothing: what the other 999 notice of it."""

import asyncio
import re
import socket
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from bench.delivery import Delivery
from bench.harness import ROOM, Scale, System, subscribe, token, up
from bench.report import Row, load_average

FILLER = "filler"
BODY = "x" * 8_000
STUCK = {"PARLEY_STALL_SECONDS": "600"}
"""Seconds: it stays to the end."""
PAIRS = 5
"""Runs with and without it, in turns: the machine is shared."""


@dataclass(frozen=True)
class Beside(Delivery):
    """The same load, with one more socket that is stuck before it begins."""

    @asynccontextmanager
    async def system(self) -> AsyncIterator[System]:
        async with up(**STUCK) as system:
            stuck = await asyncio.to_thread(join, system)
            try:
                await fill(system)
                yield system
            finally:
                stuck.close()


def join(system: System) -> socket.socket:
    """A socket in the room, and in another one that fills its buffers; nobody will read it."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", system.port))
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    upgrade = (
        f"GET {system.path()} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    )
    peer.sendall(f"{upgrade}{key}\r\n\r\n".encode())
    peer.recv(1024)  # 101 Switching Protocols
    for room in (ROOM, FILLER):
        payload = subscribe(room).encode()
        peer.sendall(bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload)  # masked with zeros
    return peer


async def fill(system: System) -> None:
    """Post until the server has given up writing to it."""
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}", headers=headers, trust_env=False, timeout=60
    ) as http:
        while not re.search(r"^parley_paused\S* [1-9]", (await http.get("/metrics")).text, re.MULTILINE):
            posts = [http.post(f"/v1/rooms/{FILLER}/comments", json={"body": BODY}) for _ in range(50)]
            await asyncio.gather(*posts)


async def measure(scale: Scale) -> list[Row]:
    sockets, seconds = scale.sockets(1000), scale.seconds(8.0)
    without, beside = Delivery(sockets, 100, seconds), Beside(sockets - 1, 100, seconds)
    runs = [(await without.run(), await beside.run()) for _ in range(1 if scale.smoke else PAIRS)]
    ratios = [with_it["p99_ms"] / alone["p99_ms"] for (_, alone), (_, with_it) in runs]
    lost = sum(posted["created"] * beside.sockets - arrived["frames"] for _, (posted, arrived) in runs)
    p99 = [f"{alone['p99_ms']:.1f} / {with_it['p99_ms']:.1f} ms" for (_, alone), (_, with_it) in runs]
    return [
        Row(f"100 posts/s to {sockets:,} sockets, p99 without / with one that takes nothing", "; ".join(p99)),
        Row("ratio, median", f"{statistics.median(ratios):.2f}", "1.2"),
        Row("frames lost to the others", str(lost), "0"),
        Row("load average of the machine", load_average()),
    ]
