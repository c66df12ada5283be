"""A fanout node in this process, on a real port, over NATS and a log in memory; and a client that asks."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import websockets
from fakelog import APP, ROOM, FakeLog, UnrulyNats
from rawsocket import serving
from websockets.asyncio.client import ClientConnection

from chassis.auth import Verifier, sign
from fanout.hub import Bounds, Hub
from fanout.outage import Outage
from fanout.pages import Pages
from fanout.roster import Roster
from fanout.service import Sockets, limits_of, pace
from fanout.settings import Settings
from fanout.tasks import Tasks

SECRET = "a secret of at least 32 bytes for HS256"


def token(user: str = "u1", ttl: float = 600, **rooms: str) -> str:
    return sign(SECRET, user, rooms=rooms or {"*": "rw"}, ttl=ttl)


class Client:
    """Frames in and out; the answer to a request is found by its id."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.aside: list[dict[str, Any]] = []
        """What came before an answer that was waited for."""
        self._ids = itertools.count(1)

    async def send(self, type: str, **fields: Any) -> int:  # noqa: A002
        id_ = next(self._ids)
        await self.socket.send(json.dumps({"id": id_, "type": type, **fields}))
        return id_

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        return frame

    async def answer(self, id: int | None) -> dict[str, Any]:  # noqa: A002
        for index, frame in enumerate(self.aside):
            if frame.get("id") == id:
                return self.aside.pop(index)
        while (frame := await self.receive()).get("id") != id:
            self.aside.append(frame)
        return frame

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:  # noqa: A002
        answer = await self.answer(await self.send(type, **fields))
        del answer["id"]
        return answer

    async def refusal(self, type: str, **fields: Any) -> str:  # noqa: A002
        answer = await self.ask(type, **fields)
        assert answer["type"] == "error"
        assert answer["message"]
        return str(answer["code"])

    async def events(self, count: int) -> list[int]:
        """Offsets of the next events."""
        frames = [await self.receive() for _ in range(count)]
        assert {frame["type"] for frame in frames} <= {"event"}
        return [frame["offset"] for frame in frames]

    async def closing(self) -> int:
        """The code that the server closes with; what comes before is put aside."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                self.aside.append(await self.receive())
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass
class Node:
    port: int
    nats: UnrulyNats
    log: FakeLog
    hub: Hub
    roster: Roster

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    @asynccontextmanager
    async def stranger(self, query: str = "", **headers: str) -> AsyncIterator[Client]:
        async with websockets.connect(self.url + query, additional_headers=headers, proxy=None) as socket:
            yield Client(socket)

    @asynccontextmanager
    async def client(self, user: str = "u1", ttl: float = 600, **rooms: str) -> AsyncIterator[Client]:
        """One who is connected."""
        async with self.stranger(f"?token={token(user, ttl, **rooms)}") as client:
            assert (await client.receive())["user"] == user
            yield client

    @asynccontextmanager
    async def member(self, user: str = "u1", room: str = ROOM) -> AsyncIterator[Client]:
        """One who is subscribed."""
        async with self.client(user) as client:
            assert (await client.ask("subscribe", room=room))["type"] == "subscribed"
            yield client

    def post(self, count: int = 1) -> None:
        """Log events that are heard at once."""
        self.nats.deliver(*self.log.append(count))


@asynccontextmanager
async def node(
    head: int = 0, *, nats: UnrulyNats | None = None, verifier: Verifier | None = None, **settings: Any
) -> AsyncIterator[Node]:
    nats, log, tasks = nats or UnrulyNats(), FakeLog(head), Tasks()
    await log.serve(nats)
    told = Settings.model_validate({"app_id": APP, **settings})
    pages = Pages(nats, APP, kept=told.pages_bytes, timeout=told.replay_timeout)
    bounds = Bounds(ring=told.ring_bytes, shed=told.shed_above)
    hub, roster = (
        Hub(APP, nats, nats, pages, tasks, bounds, lambda *_: None),
        Roster(told.max_connections, pace(told)),
    )
    Outage(nats, hub, roster, tasks, grace=told.degraded_after)
    sockets = Sockets(told, hub, roster, tasks, verifier or Verifier(secret=SECRET))
    try:
        async with serving(sockets.accept, limits_of(told)) as port:
            yield Node(port, nats, log, hub, roster)
    finally:
        await hub.close()
        await tasks.close()
        await pages.close()
