"""What the person behind one connection asks for, once it is known who they are."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.auth import Identity, Right
from chassis.limits import Buckets
from events import StreamError
from events.presence import Activity
from fanout import native
from fanout.acknowledgements import Acknowledgements
from fanout.heartbeats import Heartbeats
from fanout.hub import Hub
from fanout.reader import Reader, Readers
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

    __slots__ = (
        "_activity",
        "_desk",
        "_device",
        "_reader",
        "_readers",
        "_since",
        "_sink",
        "caller",
        "rooms",
    )

    def __init__(
        self, sink: Client, caller: Identity, device: str | None, desk: Desk, readers: Readers
    ) -> None:
        self.caller = caller
        self.rooms = Rooms(sink, caller, desk.hub, desk.tasks, desk.rules, self._moved)
        self._sink = sink
        self._desk = desk
        self._device = device
        self._activity: Activity = "active"
        self._since = datetime.now(UTC)
        self._readers = readers
        self._reader: Reader | None = None
        """`None` until it is asked what is unread."""
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
                self._desk.tasks.spawn(self._watcher().watch(request.id), self._sink.failed)

    def refresh(self, caller: Identity) -> None:
        """The same user's new token: rooms that it does not allow any more are left."""
        self.caller = caller
        self.rooms.refresh(caller)
        self._moved()
        if self._reader is not None:
            self._reader.refresh(caller)

    def leave(self) -> None:
        self._desk.heartbeats.drop(self._sink.id)
        if self._reader is not None:
            self._reader.leave()
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

    def _watcher(self) -> Reader:
        if self._reader is None:
            self._reader = Reader(self._sink, self.caller, self._desk.unread, self._readers)
        return self._reader

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
