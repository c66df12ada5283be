"""One native connection: authenticates it, carries out its requests, and is its rooms' sink."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from chassis.auth import Identity, InvalidToken, Verifier
from chassis.limits import Buckets
from events import NoAnswer, StreamError
from fanout import native
from fanout.closes import Close
from fanout.frames import frame
from fanout.hub import Hub
from fanout.members import Joined, Member
from fanout.native import BadFrame, BadRequest, Connect, Position, Signal, Subscribe, Unsubscribe
from fanout.sockets import Socket

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one native connection may do."""

    rooms: int = 256
    connect: float = 10.0
    """Seconds until the connect request must have come."""
    ping: float = 25.0
    """Seconds of silence after which the server pings, which the client is told."""
    signal: int = 4096
    """Bytes of a signal's data as JSON."""
    refusals: int = 100
    """Requests beyond the rate that are answered before the connection is closed."""


class _Encoding:
    """Native frames, ready for the socket."""

    name: Final = native.NAME

    def event(self, room: str, offset: int, data: bytes) -> bytes:
        return frame(native.event(room, offset, data))

    def signal(self, room: str, data: bytes) -> bytes:
        return frame(native.signal(room, data))


ENCODING: Final = _Encoding()


@dataclass(frozen=True, slots=True)
class Context:
    """What all native connections of a process share."""

    hub: Hub
    verifier: Verifier
    rules: Rules
    requests: Buckets | None
    """How often one connection may ask; `None`: as often as it wants."""


class Connection:
    """A `Session` of the WebSocket adapter and a `Sink` of the hub."""

    __slots__ = (
        "_caller",
        "_context",
        "_deadline",
        "_early",
        "_ended",
        "_members",
        "_refused",
        "id",
        "socket",
        "stalled",
    )

    def __init__(self, id: str, context: Context, token: str | None, ended: Callable[[], None]) -> None:  # noqa: A002
        """`token` is the one of the upgrade request, if it had any; `ended` is called once."""
        self.id = id
        self.stalled = False
        self._context = context
        self._ended = ended
        self.socket: Socket
        self._caller: Identity | str | None = token
        self._members: dict[str, Member] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = 0
        self._early: list[native.Request] | None = None
        """Requests that came while the token was being verified."""

    # The WebSocket's side

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        token, self._caller = self._caller, None
        later = asyncio.get_running_loop().call_later
        self._deadline = later(self._context.rules.connect, self.close, Close.NO_CONNECT)
        if isinstance(token, str):
            self._connect(None, token)

    def text(self, message: str) -> None:
        buckets = self._context.requests
        if buckets is not None and (wait := buckets.take(self.id, time.monotonic())) > 0:
            self._refuse(wait)
            return
        try:
            self._carry_out(native.receive(message))
        except BadRequest as bad:
            self.socket.send(native.error(bad.id, "invalid_request", str(bad)))
        except BadFrame as bad:
            self.close(Close.BAD_FRAME, str(bad))

    def binary(self, message: bytes) -> None:
        self.close(Close.BAD_FRAME, "binary frames are not spoken here")

    def paused(self) -> None:
        self.stalled = True
        for member in self._members.values():
            self._context.hub.pause(member)

    def resumed(self) -> None:
        self.stalled = False
        for member in list(self._members.values()):
            self._context.hub.resume(member)

    def closed(self, code: int, reason: str) -> None:
        self._leave()
        self._ended()

    # The hub's side

    def lost(self, room: str) -> None:
        self.close(Close.HISTORY_CHANGED, room)

    def close(self, code: Close, reason: str = "") -> None:
        self._leave()
        self.socket.close(code, reason or code.meaning)

    def _leave(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        members, self._members = self._members, {}
        for member in members.values():
            self._context.hub.leave(member)

    # Requests

    def _carry_out(self, request: native.Request) -> None:
        caller = self._caller
        if self._early is not None:
            self._early.append(request)
        elif isinstance(request, Connect):
            self._connect(request.id, request.token)
        elif not isinstance(caller, Identity):
            self.close(Close.NOT_CONNECTED)
        elif isinstance(request, Subscribe):
            self._subscribe(caller, request)
        elif isinstance(request, Unsubscribe):
            self._unsubscribe(request)
        else:
            self._signal(caller, request)

    def _connect(self, id: int | None, token: str) -> None:  # noqa: A002
        if self._caller is not None:
            self.socket.send(native.error(id, "connected_already", "this connection is connected"))
            return
        try:
            caller = self._context.verifier.verify_cached(token)
        except InvalidToken as reason:
            self.close(Close.INVALID_TOKEN, str(reason))
            return
        if caller is not None:
            self._welcome(id, caller)
        else:
            self._early = []
            self._spawn(self._verify(id, token))

    async def _verify(self, id: int | None, token: str) -> None:  # noqa: A002
        try:
            caller = await self._context.verifier.verify(token)
        except InvalidToken as reason:
            self.close(Close.INVALID_TOKEN, str(reason))
        else:
            self._welcome(id, caller)

    def _welcome(self, id: int | None, caller: Identity) -> None:  # noqa: A002
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._caller = caller
        self.socket.send(native.connected(id, self.id, caller.user, self._context.rules.ping))
        early, self._early = self._early or (), None
        for request in early:
            self._carry_out(request)

    def _subscribe(self, caller: Identity, request: Subscribe) -> None:
        room = request.room
        if not caller.may("r", room):
            self._error(request.id, "forbidden", "the token does not allow to read in this room", room)
        elif room in self._members:
            self._error(request.id, "subscribed_already", "this connection is subscribed to the room", room)
        elif len(self._members) >= self._context.rules.rooms:
            limit = self._context.rules.rooms
            self._error(request.id, "too_many_rooms", f"at most {limit} rooms a connection", room)
        else:
            member = self._members[room] = Member(self, ENCODING, room)
            self._spawn(self._join(member, request))

    async def _join(self, member: Member, request: Subscribe) -> None:
        def joined(at: Joined) -> None:
            position = Position(at.epoch, at.offset)
            self.socket.send(native.subscribed(request.id, member.room, position, recovered=at.recovered))

        try:
            await self._context.hub.join(member, request.since, joined)
        except (NoAnswer, StreamError):
            if not member.gone:
                del self._members[member.room]
                self._error(request.id, "unavailable", "the room cannot be read now; try again", member.room)

    def _unsubscribe(self, request: Unsubscribe) -> None:
        member = self._members.pop(request.room, None)
        if member is None:
            self._error(request.id, "not_subscribed", "this connection is not subscribed", request.room)
            return
        self._context.hub.leave(member)
        self.socket.send(native.unsubscribed(request.id, request.room))

    def _signal(self, caller: Identity, request: Signal) -> None:
        data = native.signalled(request.name, caller.user, request.data)
        if not caller.may("w", request.room):
            self._error(
                request.id, "forbidden", "the token does not allow to write in this room", request.room
            )
        elif len(json.dumps(request.data)) > self._context.rules.signal:
            limit = self._context.rules.signal
            self._error(request.id, "too_large", f"a signal has at most {limit} bytes", request.room)
        else:
            self._spawn(self._send_signal(request, data))

    async def _send_signal(self, request: Signal, data: bytes) -> None:
        try:
            await self._context.hub.signal(request.room, request.name, self.id, data)
        except StreamError:
            self._error(request.id, "unavailable", "signals cannot be sent now", request.room)
        else:
            self.socket.send(native.ok(request.id))

    # Answers

    def _error(self, id: int, code: str, message: str, room: str) -> None:  # noqa: A002
        self.socket.send(native.error(id, code, message, room=room))

    def _refuse(self, wait: float) -> None:
        """The request is not read, so its id is not known."""
        self._refused += 1
        if self._refused > self._context.rules.refusals:
            self.close(Close.TOO_MANY_REQUESTS)
            return
        message = "this connection asks too often; the request was not carried out"
        self.socket.send(native.error(None, "too_many_requests", message, retryAfter=round(wait, 3)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._context.hub.spawn(work)


def token_of(query: str, authorization: str | None) -> str | None:
    """The token that an upgrade request brings, by `?token=` or in the header; never logged."""
    scheme, _, header = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and header.strip():
        return header.strip()
    found = parse_qs(query, max_num_fields=20).get("token")
    return found[0] if found else None
