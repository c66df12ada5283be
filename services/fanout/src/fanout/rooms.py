"""The rooms of one native connection, and what it may ask of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from chassis.auth import Identity
from events import NoAnswer, StreamError
from fanout import native
from fanout.frames import frame
from fanout.hub import Hub
from fanout.members import Joined, Member, Sink
from fanout.requests import AskPresence, Position, Subscribe, Unsubscribe
from fanout.sockets import Socket
from fanout.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Rules:
    """What one native connection may do."""

    rooms: int = 256
    connect: float = 10.0
    """Seconds until the connect request must have come and its token have been verified."""
    early: int = 131_072
    """Characters of requests that may come before that: `rooms` subscriptions fit."""
    ping: float = 25.0
    """Seconds of silence after which the server pings, which the client is told."""
    signal: int = 4096
    """Bytes of a signal's data as JSON."""
    expiry_warning: float = 60.0
    """Seconds before a token's end at which the client is told."""


class _Encoding:
    """Native frames, ready for the socket."""

    name: Final = native.NAME

    def event(self, room: str, _epoch: str, offset: int, data: bytes) -> bytes:
        return frame(native.event(room, offset, data))

    def signal(self, room: str, data: bytes) -> bytes:
        return frame(native.signal(room, data))

    def presence(self, room: str, body: bytes) -> bytes:
        return frame(native.presence(room, body))

    def receipts(self, room: str, body: bytes) -> bytes:
        return frame(native.receipts(room, body))


ENCODING: Final = _Encoding()


class Client(Sink, Protocol):
    """The native connection that asks."""

    @property
    def socket(self) -> Socket: ...


class Rooms:
    """Carries out the requests about rooms; answers go to the sink's socket."""

    __slots__ = ("_caller", "_hub", "_members", "_moved", "_rules", "_sink", "_tasks")

    def __init__(
        self,
        sink: Client,
        caller: Identity,
        hub: Hub,
        tasks: Tasks,
        rules: Rules,
        moved: Callable[[], None],
    ) -> None:
        """`moved` is called when `names` has changed."""
        self._sink = sink
        self._caller = caller
        self._hub = hub
        self._tasks = tasks
        self._rules = rules
        self._moved = moved
        self._members: dict[str, Member] = {}

    @property
    def names(self) -> list[str]:
        """The rooms in which the subscription was answered."""
        return [room for room, member in self._members.items() if member.joined]

    def subscribe(self, request: Subscribe) -> None:
        room = request.room
        if not self._caller.may("r", room):
            self._error(request.id, "forbidden", "the token does not allow to read in this room", room)
        elif room in self._members:
            self._error(request.id, "subscribed_already", "this connection is subscribed to the room", room)
        elif len(self._members) >= self._rules.rooms:
            self._error(request.id, "too_many_rooms", f"at most {self._rules.rooms} rooms a connection", room)
        else:
            member = self._members[room] = Member(self._sink, ENCODING, room)
            self._tasks.spawn(self._join(member, request), self._sink.failed)

    async def _join(self, member: Member, request: Subscribe) -> None:
        def joined(at: Joined) -> None:
            position = Position(at.epoch, at.offset)
            answer = native.subscribed(
                request.id,
                member.room,
                position,
                recovered=at.recovered,
                presence=at.presence,
                receipts=at.receipts,
            )
            self._send(answer)
            self._moved()

        try:
            await self._hub.join(member, request.since, joined)
        except (NoAnswer, StreamError):
            if not member.gone:
                del self._members[member.room]
                self._error(request.id, "unavailable", "the room cannot be read now; try again", member.room)
                return
        if not member.joined:
            self._error(request.id, "unsubscribed", "unsubscribed before the room was read", member.room)

    def unsubscribe(self, request: Unsubscribe) -> None:
        member = self._members.pop(request.room, None)
        if member is None:
            self._error(request.id, "not_subscribed", "this connection is not subscribed", request.room)
            return
        self._hub.leave(member)
        self._moved()
        self._send(native.unsubscribed(request.id, request.room))

    def ask(self, request: AskPresence) -> None:
        member = self._members.get(request.room)
        if member is None or not member.joined:
            self._error(request.id, "not_subscribed", "this connection is not subscribed", request.room)
        else:
            self._tasks.spawn(self._ask(member, request), self._sink.failed)

    async def _ask(self, member: Member, request: AskPresence) -> None:
        try:
            body = await self._hub.ask_presence(member, request.users)
        except (NoAnswer, StreamError):
            message = "who is here cannot be known now; try again"
            self._error(request.id, "unavailable", message, member.room)
        else:
            if member.gone:
                message = "this connection left the room meanwhile"
                self._error(request.id, "not_subscribed", message, member.room)
            else:
                self._send(native.present(request.id, member.room, body))

    def refresh(self, caller: Identity) -> None:
        """The same user's new token: rooms that it does not allow any more are left."""
        self._caller = caller
        forbidden = [room for room in self._members if not caller.may("r", room)]
        for room in forbidden:
            self._hub.leave(self._members.pop(room))
            message = "the new token does not allow to read in this room"
            self._send(native.error(None, "forbidden", message, room=room))
        if forbidden:
            self._moved()

    def flush(self) -> None:
        """Write what has happened already."""
        for member in self._members.values():
            self._hub.flush(member)

    def pause(self) -> None:
        for member in self._members.values():
            self._hub.pause(member)

    def resume(self) -> None:
        for member in self._members.values():
            self._hub.resume(member)

    def leave(self) -> None:
        members, self._members = self._members, {}
        for member in members.values():
            self._hub.leave(member)

    def _send(self, answer: bytes) -> None:
        self._sink.socket.send(answer)

    def _error(self, id: int, code: str, message: str, room: str) -> None:  # noqa: A002
        self._send(native.error(id, code, message, room=room))
