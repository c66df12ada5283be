"""A fanout node in this process, on a real port, over NATS and a log in memory; and a client that asks."""

import asyncio
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
from fanout.assembly import assemble
from fanout.connection import context_of
from fanout.conversation import Desk
from fanout.door import Door
from fanout.hub import Hub
from fanout.roster import Roster
from fanout.settings import Settings
from fanout.sockets import limits_of

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
    nats, log = nats or UnrulyNats(), FakeLog(head)
    await log.serve(nats)
    told = Settings.model_validate({"app_id": APP, **settings})
    async with assemble(told, nats, lambda *_: None) as parts:
        context = context_of(told, parts.desk, parts.roster, verifier or Verifier(secret=SECRET))
        async with serving(Door(context).accept, limits_of(told)) as port, beating(parts.desk):
            yield Node(port, nats, log, parts.desk.hub, parts.roster)


@asynccontextmanager
async def beating(desk: Desk) -> AsyncIterator[None]:
    """What runs beside the sockets."""
    tasks = [asyncio.create_task(loop()) for loop in (desk.heartbeats.run, desk.acknowledgements.run)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
