"""Services as processes, on a Postgres and a NATS of their own that can be taken away and brought back."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import httpx
import websockets
from anyio.from_thread import BlockingPortal
from contract.own_postgres import OwnPostgres
from processes import Process, token
from servers import OwnNats
from websockets.asyncio.client import ClientConnection

T = TypeVar("T")

PATIENCE = 30
"""Seconds after which something that was to come is missing."""


@dataclass
class Ground:
    comments: Process
    fanout: Process
    postgres: OwnPostgres
    nats: OwnNats
    portal: BlockingPortal
    """The loop that a server belongs to: with the one of a test, it would end."""

    @asynccontextmanager
    async def without(self, server: OwnNats | OwnPostgres, how: str) -> AsyncIterator[None]:
        """`how` is `frozen`, `stopped` or `killed`."""
        if how == "frozen":
            server.freeze()
        else:
            await asyncio.to_thread(self.portal.call, server.stop if how == "stopped" else server.kill)
        try:
            yield
        finally:
            if how == "frozen":
                server.thaw()
            else:
                await asyncio.to_thread(self.portal.call, server.start)

    def poster(self, room: str | None = None) -> AbstractAsyncContextManager["Poster"]:
        return poster(self.comments.url, room)

    def watcher(self, room: str, user: str = "u2") -> AbstractAsyncContextManager["Watcher"]:
        return watcher(self.fanout.url, room, user)

    async def ask_postgres(self, query: str, *values: object) -> Any:
        """One value, as the superuser."""
        connection = await asyncpg.connect(self.postgres.url)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()


class Poster:
    """Posts in one room, and keeps what it was told."""

    def __init__(self, client: httpx.AsyncClient, room: str) -> None:
        self.client = client
        self.room = room
        self.path = f"/v1/rooms/{room}/comments"
        self.offsets: list[int] = []

    async def post(self, body: str = "x", key: str | None = None) -> httpx.Response:
        answer = await self.client.post(self.path, json={"body": body, "clientId": key or uuid.uuid4().hex})
        if answer.status_code == 201:
            self.offsets.append(answer.json()["offset"])
        return answer

    async def post_all(self, count: int, body: str = "x", at_once: int = 8) -> None:
        """All of them taken, without one that had to be repeated."""

        async def some(number: int) -> None:
            for _ in range(number):
                answer = await self.post(body)
                assert answer.status_code == 201, answer.text

        await asyncio.gather(*(some(count // at_once) for _ in range(at_once)))

    async def read(self) -> httpx.Response:
        return await self.client.get(self.path)

    async def posts_again(self) -> httpx.Response:
        """Repeat a post, under its key, until it is taken."""
        key = uuid.uuid4().hex
        return await until(lambda: self.post(key=key), lambda answer: answer.status_code in (200, 201))

    async def is_ready(self) -> dict[str, str]:
        """Each dependency's answer on `/readyz`."""
        answer = await self.client.get("/readyz")
        checks: dict[str, str] = answer.json()["checks"]
        assert answer.status_code == (200 if set(checks.values()) == {"ok"} else 503)
        return checks

    async def metric(self, name: str) -> float:
        lines = (await self.client.get("/metrics")).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.split(" ")[0] == name)


class Watcher:
    """One socket, which never connects again: what it hears, in order, is what was heard without a break."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._id = 0
        self.offsets: list[int] = []
        self.said: list[str] = []
        """Types of all frames that are neither events nor signals."""

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:  # noqa: A002
        self._id += 1
        await self._socket.send(json.dumps({"id": self._id, "type": type, **fields}))
        return await self._until(lambda frame: frame.get("id") == self._id)

    async def hear(self, offset: int) -> None:
        """Up to the event with this offset."""
        while not self.offsets or self.offsets[-1] < offset:
            await self._next()

    async def told(self, type: str) -> dict[str, Any]:  # noqa: A002
        """The next frame of this type."""
        return await self._until(lambda frame: frame["type"] == type)

    async def told_signal(self, name: str) -> dict[str, Any]:
        return await self._until(lambda frame: frame["type"] == "signal" and frame["name"] == name)

    async def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not wanted(frame := await self._next()):
            pass
        return frame

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            frame: dict[str, Any] = json.loads(await self._socket.recv())
        match frame["type"]:
            case "event":
                self.offsets.append(frame["offset"])
            case "signal":
                pass
            case other:
                self.said.append(other)
        return frame


@asynccontextmanager
async def poster(url: str, room: str | None = None) -> AsyncIterator[Poster]:
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as client:
        yield Poster(client, room or f"room-{uuid.uuid4().hex[:8]}")


@asynccontextmanager
async def watcher(url: str, room: str, user: str = "u2") -> AsyncIterator[Watcher]:
    address = f"{url.replace('http', 'ws', 1)}/v1/ws?token={token(user)}"
    async with websockets.connect(address, proxy=None, ping_interval=None) as socket:
        watcher = Watcher(socket)
        await watcher.ask("subscribe", room=room)
        yield watcher


async def until(ask: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    """Ask until the answer is good."""
    async with asyncio.timeout(PATIENCE):
        while not good(answer := await ask()):
            await asyncio.sleep(0.05)
    return answer


def upto(last: int) -> Sequence[int]:
    return list(range(1, last + 1))
