"""Streams of server-sent events: over ASGI to a reader in the test, and as a node on a real port."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from crowd import World
from eventsource import EventSource, Message, Parser
from fakelog import APP, ROOM, FakeLog, UnrulyNats
from nodes import SECRET, token

from chassis.auth import Identity, Rights, Verifier
from chassis.serving import Service, serve
from chassis.telemetry import Telemetry
from chassis.wheel import Wheel
from fanout import sse_api
from fanout.assembly import assemble, desk_of
from fanout.hub import Hub
from fanout.requests import Position
from fanout.roster import Roster
from fanout.settings import Settings
from fanout.sockets import Limits
from fanout.sse_stream import Context, Stream

LIMITS = Limits(write_high=4096, ping=25.0)


class Reader:
    """The client's end of a stream: takes what it is sent while `reading` is set."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.reading = asyncio.Event()
        self.reading.set()
        self.parser = Parser()
        self.messages: list[Message] = []
        self.taken = 0
        """Bytes."""
        self.largest = 0
        """Bytes that were sent at once."""
        self.task = asyncio.create_task(stream.run(self._receive, self._send))
        self._gone = asyncio.Event()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.reading.wait()
        if self._gone.is_set():  # uvicorn sends nothing then, and says nothing
            return
        body = message["body"]
        self.taken += len(body)
        self.largest = max(self.largest, len(body))
        self.messages += self.parser.feed(body)

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def leave(self) -> None:
        self._gone.set()
        self.reading.set()
        await self.task

    @property
    def types(self) -> list[str]:
        return [message.type for message in self.messages]

    @property
    def offsets(self) -> list[int]:
        """Of the events that came."""
        return [json.loads(each.data)["offset"] for each in self.messages if each.type == "message"]


class Streams:
    """Streams of one world's hub. They must have ended when the test does."""

    def __init__(self, world: World, roster: Roster | None = None, limits: Limits = LIMITS) -> None:
        self.roster = roster or Roster(1000, None)
        wheel = Wheel(0.25)
        desk = desk_of(Settings.model_validate({"app_id": APP}), world.nats, world.hub, world.tasks)
        self._context = Context(desk, self.roster, limits, 60.0, wheel)
        self._numbers = itertools.count(1)

    def open(self, since: Position | None = None, *, lasts: float = 3600, retry: float = 1.5) -> Reader:
        """`lasts` is for how many seconds the token is valid."""
        name = f"e{next(self._numbers)}"
        caller = Identity("u1", None, None, time.time() + lasts, Rights((("*", frozenset("r")),)))
        return Reader(Stream(name, ROOM, since, caller, retry, self._context))


@dataclass
class Node:
    """A fanout that streams, over NATS and a log in memory."""

    url: str
    nats: UnrulyNats
    log: FakeLog
    hub: Hub
    roster: Roster
    stop: asyncio.Event

    def post(self, count: int = 1) -> None:
        """Log events that are heard at once."""
        self.nats.deliver(*self.log.append(count))

    async def get(
        self, room: str = ROOM, *, headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        """An answer that ends."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.get(f"/v1/rooms/{room}/events", params=query, headers=headers)

    def source(self, *, since: str | None = None, ttl: float = 600) -> EventSource:
        return EventSource(self.url, token(ttl=ttl), ROOM, since)


@asynccontextmanager
async def streaming(
    head: int = 0,
    *,
    verifier: Verifier | None = None,
    telemetry: Telemetry | None = None,
    **settings: Any,
) -> AsyncIterator[Node]:
    """Serve until the end, or until the node is told to stop."""
    nats, log = UnrulyNats(), FakeLog(head)
    await log.serve(nats)
    told = Settings.model_validate({"app_id": APP, "port": 0, "drain_window": 0.0, **settings})
    limits = Limits(write_high=told.write_high, ping=told.ping_seconds)
    verifier = verifier or Verifier(secret=SECRET)
    async with assemble(told, nats, lambda *_: None) as parts:
        roster = parts.roster
        router = sse_api.router(parts.desk, roster, verifier, limits, told.expiry_warning)
        service = Service("fanout", routers=[router], drain=partial(roster.drain, told.drain_window))
        listening, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            serving = serve(
                service, settings=told, telemetry=telemetry, started=listening.set_result, stop=stop
            )
            group.create_task(serving)
            try:
                yield Node(await listening, nats, log, parts.desk.hub, roster, stop)
            finally:
                stop.set()


async def take(source: EventSource, count: int) -> list[Message]:
    """The next messages of a connection of its own, without its `open`."""
    taken = []
    async with aclosing(source.messages()) as messages:
        async for message in messages:
            if message.type != "open":
                taken.append(message)
            if len(taken) == count:
                return taken
    raise AssertionError(f"only {taken}")
