"""`python -m bench.returning OPTIONS`: the clients of `bench.returns`, in a process of their own.

Each speaks just enough of the protocol to be counted: a client library would be slower than what it measures.
"""

import asyncio
import json
import random
import re
import sys
import time
from typing import Any, cast

import httpx
import uvloop

HANDSHAKE = (
    "GET /v1/ws?token={token} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LIVE = re.compile(rb'"body":"live-(\d+)"')
LIVE_EVERY = 0.05
"""Seconds between two comments that are posted while clients return."""
AT_ONCE = 200
"""Connections that are being opened at a time: more only wait in the kernel's queue."""
BACKOFF = 1.0
"""Seconds before a connection that was lost without a word is tried again."""
EVENT = b'{"type":"event"'


class Crowd:
    def __init__(self, told: dict[str, Any]) -> None:
        self.port: int = told["port"]
        self.room: str = told["room"]
        self.clients: int = told["clients"]
        self.token: str = told["token"]
        self.opening = asyncio.Semaphore(AT_ONCE)
        self.since: dict[str, Any] | None = None
        self.sent: dict[int, float] = {}
        self.delays: list[float] = []
        self.busy = 0
        self.wrong = 0
        self.back = 0
        self.all_back = asyncio.Event()

    def handshake(self) -> bytes:
        return HANDSHAKE.format(token=self.token).encode()

    def arrived(self) -> None:
        self.back += 1
        if self.back == self.clients:
            self.all_back.set()


class Client(asyncio.Protocol):
    """One connection after the other, until it is subscribed and has what it missed."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._transport: asyncio.Transport
        self._rest = b""
        self._after = BACKOFF
        self._next = 0
        """The offset that comes next; 0 before `subscribed`."""
        self._head = 0
        self._back_at: float | None = None
        self._leaving = False

    async def connect(self) -> None:
        async with self._crowd.opening:
            self._rest, self._after = b"", BACKOFF
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self, "127.0.0.1", self._crowd.port)

    def leave(self) -> None:
        self._leaving = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._crowd.handshake())

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._leaving:
            wait = self._after * (1 + 0.1 * random.random())
            asyncio.get_running_loop().call_later(wait, lambda: asyncio.ensure_future(self.connect()))

    def data_received(self, data: bytes) -> None:
        data, start = self._rest + data, 0
        if data.startswith(b"HTTP/"):
            if (end := data.find(b"\r\n\r\n")) < 0:
                self._rest = data
                return
            start = end + 4
        while (frame := split(data, start)) is not None:
            opcode, payload, start = frame
            if opcode == 1:
                self._take(payload)
            elif opcode == 8:
                self._transport.close()
        self._rest = data[start:]

    def _take(self, payload: bytes) -> None:
        if payload.startswith(EVENT):
            self._count(payload)
            return
        told = json.loads(payload)
        if told["type"] == "connected":
            self._ask({"id": 1, "type": "subscribe", "room": self._crowd.room, "since": self._crowd.since})
        elif told["type"] == "subscribed":
            since = self._crowd.since
            self._crowd.wrong += since is not None and not told["recovered"]
            self._next, self._head = (since or told)["offset"] + 1, told["offset"]
            if since is None:
                self._crowd.arrived()
        elif told["type"] == "closing":
            self._after = told["retryAfter"]
            self._crowd.busy += 1

    def _count(self, payload: bytes) -> None:
        offset = int(payload[payload.index(b'"offset":') + 9 :].split(b",", 1)[0])
        self._crowd.wrong += offset != self._next
        self._next = offset + 1
        if self._back_at is None and offset >= self._head:
            self._back_at = time.perf_counter()
            self._crowd.arrived()
        elif self._back_at is not None and (live := LIVE.search(payload)):
            sent = self._crowd.sent[int(live[1])]
            if sent > self._back_at:
                self._crowd.delays.append(time.perf_counter() - sent)

    def _ask(self, request: dict[str, Any]) -> None:
        payload = json.dumps({key: value for key, value in request.items() if value is not None}).encode()
        head = (
            bytes((0x81, 0x80 | len(payload)))
            if len(payload) < 126
            else b"\x81\xfe" + len(payload).to_bytes(2, "big")
        )
        self._transport.write(head + bytes(4) + payload)  # masked with zeros


def split(data: bytes, start: int) -> tuple[int, bytes, int] | None:
    """The server's frame that begins there: opcode, payload, and where the next one does."""
    if len(data) < start + 2:
        return None
    size, begin = data[start + 1], start + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        size, begin = int.from_bytes(data[begin : begin + wide], "big"), begin + wide
    if len(data) < begin + size:
        return None
    return data[start] & 0x0F, data[begin : begin + size], begin + size


async def post(http: httpx.AsyncClient, room: str, body: str) -> int:
    answer = await http.post(f"/v1/rooms/{room}/comments", json={"body": body})
    return int(answer.raise_for_status().json()["offset"])


async def live(http: httpx.AsyncClient, crowd: Crowd) -> None:
    number = 0
    while True:
        number += 1
        crowd.sent[number] = time.perf_counter()
        await post(http, crowd.room, f"live-{number}")
        await asyncio.sleep(LIVE_EVERY)


async def main(told: dict[str, Any]) -> None:
    crowd = Crowd(told)
    headers = {"Authorization": f"Bearer {crowd.token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{crowd.port}", headers=headers, trust_env=False, timeout=60
    ) as http:
        await post(http, crowd.room, "first")
        clients = [Client(crowd) for _ in range(crowd.clients)]
        await asyncio.gather(*[client.connect() for client in clients])
        await crowd.all_back.wait()
        room = (await http.get(f"/v1/rooms/{crowd.room}")).json()
        for client in clients:
            client.leave()
        crowd.since = {"epoch": room["epoch"], "offset": room["head"]}
        for number in range(told["missed"]):
            await post(http, crowd.room, f"missed {number}")
        crowd.back, crowd.busy, crowd.all_back = 0, 0, asyncio.Event()
        posting = asyncio.create_task(live(http, crowd))
        began = time.perf_counter()
        returning = [Client(crowd) for _ in range(crowd.clients)]
        await asyncio.gather(*[client.connect() for client in returning])
        await crowd.all_back.wait()
        took = time.perf_counter() - began
        await asyncio.sleep(1)
        posting.cancel()
    print(json.dumps(result(crowd, took)), flush=True)
    for client in returning:
        client.leave()


def result(crowd: Crowd, took: float) -> dict[str, Any]:
    delays = sorted(crowd.delays) or [0.0]
    return {
        "recovered": crowd.back,
        "per_second": crowd.back / took,
        "busy": crowd.busy,
        "wrong": crowd.wrong,
        "p99_ms": delays[int(len(delays) * 0.99)] * 1000,
        "max_ms": delays[-1] * 1000,
    }


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
