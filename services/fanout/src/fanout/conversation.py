"""What the person behind one connection asks for, once it is known who they are."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.auth import Identity, Right
from chassis.limits import Buckets
from events import NoAnswer, StreamError
from events.presence import Activity
from fanout import native
from fanout.acknowledgements import Acknowledgements
from fanout.heartbeats import Heartbeats
from fanout.hub import Hub
from fanout.requests import (
    Acknowledge,
    AskPresence,
    Request,
    SetActivity,
    Signal,
    Subscribe,
    Typing,
    Unsubscribe,
    WatchUnread,
)
from fanout.rooms import Client, Rooms, Rules
from fanout.tasks import Tasks
from fanout.unread import Unread
from fanout.whereabouts import lease


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests are taken to; all connections of a process share it."""

    hub: Hub
    tasks: Tasks
    rules: Rules
    heartbeats: Heartbeats
    acknowledgements: Acknowledgements
    unread: Unread
    signals: Buckets | None
    """How often one connection may signal; `None`: as often as it wants."""
    typing: Buckets
    """How often it is said that somebody types in a room."""


class Conversation:
    """Answers go to the sink's socket."""

    __slots__ = ("_activity", "_desk", "_device", "_left", "_since", "_sink", "_watching", "caller", "rooms")

    def __init__(self, sink: Client, caller: Identity, device: str | None, desk: Desk) -> None:
        self.caller = caller
        self.rooms = Rooms(sink, caller, desk.hub, desk.tasks, desk.rules, self._moved)
        self._sink = sink
        self._desk = desk
        self._device = device
        self._activity: Activity = "active"
        self._since = datetime.now(UTC)
        self._watching = False
        self._left = False
        self._moved()

    def carry_out(self, request: Request) -> None:
        match request:
            case Subscribe():
                self.rooms.subscribe(request)
            case Unsubscribe():
                self.rooms.unsubscribe(request)
            case Typing():
                self._type(request)
            case Signal():
                self._signal(request)
            case Acknowledge():
                self._acknowledge(request)
            case AskPresence():
                self.rooms.ask(request)
            case SetActivity():
                self._activity = request.activity
                self._moved()
                self._send(native.ok(request.id))
            case WatchUnread():
                self._desk.tasks.spawn(self._watch(request), self._sink.failed)

    def refresh(self, caller: Identity) -> None:
        """The same user's new token: rooms that it does not allow any more are left."""
        before, self.caller = self.caller, caller
        self.rooms.refresh(caller)
        self._moved()
        if self._watching:
            self._push_allowed(before)

    def leave(self) -> None:
        self._left = True
        self._desk.heartbeats.drop(self._sink.id)
        if self._watching:
            self._desk.unread.drop(self._sink.id)
        self.rooms.leave()

    def _moved(self) -> None:
        """Presence is told where this connection is."""
        where = lease(
            self.caller, self.rooms.names, self._since, device=self._device, activity=self._activity
        )
        self._desk.heartbeats.hold(self._sink.id, where)

    # Signals

    def _type(self, request: Typing) -> None:
        if not self._may("w", request.room, request.id):
            return
        if self._desk.typing.take(f"{request.room} {self.caller.user}", time.monotonic()) > 0:
            self._send(native.ok(request.id))  # the others know, for a while yet
            return
        said = native.typing(self.caller.user, self.caller.name)
        self._desk.tasks.spawn(self._tell(request.id, request.room, native.TYPING, said), self._sink.failed)

    def _signal(self, request: Signal) -> None:
        if not self._may("w", request.room, request.id):
            return
        limit, buckets = self._desk.rules.signal, self._desk.signals
        if len(request.data) > limit:
            self._refuse(request.id, "too_large", f"a signal has at most {limit} bytes", request.room)
        elif buckets is not None and (wait := buckets.take(self._sink.id, time.monotonic())) > 0:
            message = "this connection signals too often; the signal was not sent"
            more = {"room": request.room, "retryAfter": round(wait, 3)}
            self._send(native.error(request.id, "too_many_requests", message, **more))
        else:
            said = native.signalled(request.name, self.caller.user, request.data)
            told = self._tell(request.id, request.room, request.name, said)
            self._desk.tasks.spawn(told, self._sink.failed)

    async def _tell(self, id: int, room: str, name: str, said: bytes) -> None:  # noqa: A002
        try:
            await self._desk.hub.signal(room, name, self._sink.id, said)
        except StreamError:
            self._refuse(id, "unavailable", "signals cannot be sent now", room)
        else:
            self._send(native.ok(id))

    # Receipts

    def _acknowledge(self, request: Acknowledge) -> None:
        room = request.room
        if not self._may("r", room, request.id):
            return
        delivered, read = request.delivered, request.read
        epoch = self._desk.hub.epoch_of(room, delivered)
        if self._desk.acknowledgements.take(room, epoch, self.caller.user, delivered, read):
            self._send(native.ok(request.id))
        else:
            self._refuse(request.id, "unavailable", "receipts cannot be taken now; try again", room)

    async def _watch(self, request: WatchUnread) -> None:
        if self._left:
            return
        self._watching = True
        try:
            body = await self._desk.unread.watch(self._sink.id, self.caller.user, self._push_unread)
        except (NoAnswer, StreamError):
            message = "what is unread cannot be known now; try again"
            self._send(native.error(request.id, "unavailable", message))
        else:
            rooms, _left = self._readable(body)
            self._send(native.unread(request.id, _dump({"rooms": rooms})))

    def _push_unread(self, body: bytes) -> None:
        self._tell_unread(*self._readable(body))

    def _tell_unread(self, rooms: list[dict[str, Any]], left: list[str]) -> None:
        if rooms or left:
            body = {"rooms": rooms, "left": left} if left else {"rooms": rooms}
            self._send(native.unread(None, _dump(body)))

    def _push_allowed(self, before: Identity) -> None:
        """The rooms that this token allows and the one before did not, and the other way round."""
        rooms = json.loads(self._desk.unread.known(self.caller.user))["rooms"]
        now, then = self.caller.may, before.may
        given = [each for each in rooms if now("r", each["room"]) and not then("r", each["room"])]
        left = [each["room"] for each in rooms if then("r", each["room"]) and not now("r", each["room"])]
        self._tell_unread(given, left)

    def _readable(self, body: bytes) -> tuple[list[dict[str, Any]], list[str]]:
        """The user is a member of more rooms than this token may allow."""
        given, may = json.loads(body), self.caller.may
        rooms = [each for each in given["rooms"] if may("r", each["room"])]
        return rooms, [room for room in given.get("left", ()) if may("r", room)]

    # Answers

    def _may(self, right: Right, room: str, id: int) -> bool:  # noqa: A002
        if self.caller.may(right, room):
            return True
        meaning = {"r": "read", "w": "write", "m": "moderate"}[right]
        self._refuse(id, "forbidden", f"the token does not allow to {meaning} in this room", room)
        return False

    def _refuse(self, id: int, code: str, message: str, room: str) -> None:  # noqa: A002
        self._send(native.error(id, code, message, room=room))

    def _send(self, answer: bytes) -> None:
        self._sink.socket.send(answer)


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
