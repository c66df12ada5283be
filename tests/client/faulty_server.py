"""A server of the documented protocol, over real sockets, that fails on command.

It exists to provoke what the real server does once a year: lost connections, holes, repeats, lost answers.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from client.accepted import Socket
from websockets.server import ServerProtocol


@dataclass
class Fault:
    """What happens to one HTTP request: answered with `status`, or cut off before or after it took effect."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    commit: bool = False


@dataclass(frozen=True)
class Refusal:
    """What one request over the socket is answered, instead of being carried out."""

    code: str
    after: float | None = None
    """What it says about when to ask again, in seconds."""
    kind: str = "subscribe"
    """The type of request that it waits for."""
    numbered: bool = True
    """Whether it says which request it answers."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        known = {"id": request["id"], "room": request.get("room")} if self.numbered else {}
        after = {} if self.after is None else {"retryAfter": self.after}
        return {"type": "error", "code": self.code, "message": "as told", **known, **after}


class FaultyServer:
    def __init__(self) -> None:
        self.epoch = "e1"
        self.log: dict[str, list[dict[str, Any]]] = {}
        self.sockets: list[Socket] = []
        self.heads: list[str] = []
        self.received: list[dict[str, Any]] = []
        """Every frame from clients, in order."""
        self.changed = asyncio.Condition()
        self.omit: deque[int] = deque()
        """Offsets that are skipped, each once, wherever they come up next."""
        self.twice = False
        self.refusals: deque[Refusal] = deque()
        """What the next requests get."""
        self.upgrades: deque[Fault] = deque()
        """What the next upgrades get."""
        self.busy: deque[float] = deque()
        """After how many seconds the next clients are told to come back, once upgraded."""
        self.faults: deque[Fault] = deque()
        self.posts: list[dict[str, Any]] = []
        self.comments: dict[str, dict[str, Any]] = {}

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[Self]:
        server = cls()
        listener = await asyncio.start_server(server._serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with listener:
            yield server
            server.cut()
            listener.close()

    url: str

    # what tests do to it

    def publish(self, room: str, body: str = "hello", kind: str = "comment.posted") -> None:
        events = self.log.setdefault(room, [])
        events.append(wire_event(room, len(events) + 1, body, kind))
        for socket in self.sockets:
            if room in socket.rooms:
                self._push(socket, room, events[-1])

    def cut(self) -> None:
        """Lose every connection without a word."""
        for socket in self.sockets:
            socket.writer.transport.abort()
        self.sockets.clear()

    def close(self, code: int, after: float | None = None) -> None:
        """`after`: seconds after which the clients are told to come back."""
        if after is not None:
            self.say(type="closing", code=code, message="as told", retryAfter=after)
        for socket in self.sockets:
            socket.protocol.send_close(code, "as told")
            socket.flush()
        self.sockets.clear()

    def say(self, **frame: Any) -> None:
        """To everybody."""
        for socket in self.sockets:
            socket.send(**frame)

    async def frame(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a frame from a client with these fields, and forget it and those before it."""
        async with self.changed:
            while True:
                while self.received:
                    frame = self.received.pop(0)
                    if wanted.items() <= frame.items():
                        return frame
                await self.changed.wait()

    # the protocol

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, EOFError):  # the client left: every test ends so
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            if b"/v1/ws" in head:
                await self._upgrade(head, reader, writer)
            else:
                await self._answer(head, reader, writer)

    async def _upgrade(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(head)
        [request] = protocol.events_received()
        refused = self.upgrades.popleft() if self.upgrades else None
        answer = protocol.reject(refused.status, "no") if refused else protocol.accept(request)  # type: ignore[arg-type]
        answer.headers.update(refused.headers if refused else {})
        protocol.send_response(answer)
        socket = Socket(reader, writer, protocol)
        socket.flush()
        if refused is None:
            self.sockets.append(socket)
            if self.busy:
                self.close(4006, self.busy.popleft())
            else:
                socket.send(type="connected", connection="c1", user="u1", ping=25)
            await self._converse(socket)

    async def _converse(self, socket: Socket) -> None:
        async for frame in socket.frames():
            if self.refusals and self.refusals[0].kind == frame["type"]:
                socket.send(**self.refusals.popleft().answer(frame))
            else:
                self._carry_out(socket, frame)
            async with self.changed:
                self.received.append(frame)
                self.changed.notify_all()

    def _carry_out(self, socket: Socket, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "subscribe" if frame["room"] in socket.rooms:
                socket.send(**Refusal("subscribed_already").answer(frame))
            case "subscribe":
                self._subscribe(socket, frame)
            case "unsubscribe":
                socket.rooms.discard(frame["room"])
                socket.send(id=frame["id"], type="unsubscribed", room=frame["room"])
            case "refresh":
                socket.send(id=frame["id"], type="refreshed", seconds=3600)

    def _subscribe(self, socket: Socket, frame: dict[str, Any]) -> None:
        room, since = frame["room"], frame.get("since")
        events = self.log.get(room, [])
        missed = events[since["offset"] :] if since and since["epoch"] == self.epoch else None
        answer = {"room": room, "epoch": self.epoch, "offset": len(events), "recovered": missed is not None}
        socket.send(id=frame["id"], type="subscribed", presence=None, receipts=None, **answer)
        for event in missed or []:
            self._push(socket, room, event)
        socket.rooms.add(room)

    def _push(self, socket: Socket, room: str, event: dict[str, Any]) -> None:
        if self.omit and event["offset"] == self.omit[0]:
            self.omit.popleft()
            return
        for _ in range(2 if self.twice else 1):
            socket.send(type="event", room=room, offset=event["offset"], event=event)

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = next(
            (int(line[15:]) for line in head.lower().splitlines() if line[:15] == b"content-length:"), 0
        )
        body = json.loads(await reader.readexactly(length) or "{}")
        fault = self.faults.popleft() if self.faults else Fault(status=201, commit=True)
        content = self._commit(body) if fault.commit else {"type": "/problems/told_to", "title": "Told to."}
        self.posts.append(body)
        if fault.status:
            writer.write(response(fault.status, fault.headers, content))
            await writer.drain()

    def _commit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Once per client key; without a body it was a GET."""
        if not body:
            return {"comments": list(self.comments.values()), "next": None, "versions": []}
        return self.comments.setdefault(
            body["clientId"], {"id": "k", "offset": len(self.comments) + 1, **body}
        )


def response(status: int, headers: dict[str, str], content: dict[str, Any]) -> bytes:
    body = json.dumps(content).encode()
    kind = "application/json" if status < 400 else "application/problem+json"
    lines = {"content-type": kind, "content-length": str(len(body)), "connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} As-Told\r\n{head}\r\n".encode() + body


def wire_event(room: str, offset: int, body: str = "hello", kind: str = "comment.posted") -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"id-{offset}",
        "room": room,
        "offset": offset,
        "at": "2026-11-23T12:00:00.000000Z",
        "actor": "u1",
        "comment": f"comment-{offset}",
        "body": body,
    }
