"""The native protocol, version 1, as a codec: frames in, requests out; events in, frames out.

Every frame is one JSON object with a `type`. A request carries an integer `id` and gets one answer with it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from events import ROOM

NAME: Final = "native"
MAX_ID: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

SIGNAL_NAME: Final = re.compile(r"[A-Za-z0-9_\-:.]{1,64}")
_ROOM: Final = re.compile(ROOM.removesuffix("$") + r"\Z")


class BadFrame(Exception):
    """The frame is not a JSON object with a type; the connection cannot go on."""


class BadRequest(Exception):
    """The request cannot be understood; its `id`, if it has one, is answered with an error."""

    def __init__(self, id: int | None, message: str) -> None:  # noqa: A002  the protocol's own word
        super().__init__(message)
        self.id = id


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a client has seen a room."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Connect:
    id: int
    token: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: int
    room: str
    since: Position | None
    """Replay what follows; `None` starts with the next event."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: int
    room: str


@dataclass(frozen=True, slots=True)
class Signal:
    id: int
    room: str
    name: str
    """`typing` for the request of that name."""
    data: Any


Request = Connect | Subscribe | Unsubscribe | Signal


def receive(frame: str) -> Request:
    """The request in a frame. Raise `BadFrame` or `BadRequest`."""
    try:
        given = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise BadFrame("not a JSON object with a type")
    return _request(given)


def _request(given: dict[str, Any]) -> Request:
    id = given.get("id")  # noqa: A001
    if type(id) is not int or not 0 <= id <= MAX_ID:
        raise BadRequest(None, f"id must be an integer from 0 to {MAX_ID}")
    match given:
        case {"type": "connect", "token": str(token)}:
            return Connect(id, token)
        case {"type": "subscribe", "room": str(room)} if _ROOM.match(room):
            return Subscribe(id, room, _position(id, given.get("since")))
        case {"type": "unsubscribe", "room": str(room)} if _ROOM.match(room):
            return Unsubscribe(id, room)
        case {"type": "typing", "room": str(room)} if _ROOM.match(room):
            return Signal(id, room, "typing", None)
        case {"type": "signal", "room": str(room), "name": str(name)} if _ROOM.match(room):
            if not SIGNAL_NAME.fullmatch(name):
                raise BadRequest(id, "name must be 1 to 64 of A-Z a-z 0-9 _ - : .")
            return Signal(id, room, name, given.get("data"))
        case {"type": "connect" | "subscribe" | "unsubscribe" | "typing" | "signal" as kind}:
            raise BadRequest(id, f"{kind} lacks a field, or one is not valid: see docs/protocol.md")
        case _:
            raise BadRequest(id, "unknown type of request")


def _position(id: int, since: object) -> Position | None:  # noqa: A002
    match since:
        case None:
            return None
        case {"epoch": str(epoch), "offset": int(offset)} if 0 <= offset <= MAX_ID and len(epoch) <= 64:
            return Position(epoch, int(offset))
        case _:
            raise BadRequest(id, "since must be an object with epoch and offset, as subscribed gave them")


def connected(id: int | None, connection: str, user: str, ping: float) -> bytes:  # noqa: A002
    return _frame("connected", id, connection=connection, user=user, ping=ping)


def subscribed(id: int, room: str, position: Position, *, recovered: bool) -> bytes:  # noqa: A002
    return _frame(
        "subscribed",
        id,
        room=room,
        epoch=position.epoch,
        offset=position.offset,
        recovered=recovered,
        presence=None,
        receipts=None,
    )


def unsubscribed(id: int, room: str) -> bytes:  # noqa: A002
    return _frame("unsubscribed", id, room=room)


def ok(id: int) -> bytes:  # noqa: A002
    return _frame("ok", id)


def error(id: int | None, code: str, message: str, **more: Any) -> bytes:  # noqa: A002
    """`more` may be `room`, or `retryAfter` in seconds."""
    return _frame("error", id, code=code, message=message, **more)


def event(room: str, offset: int, data: bytes) -> bytes:
    """Wrap an encoded event once; every member is sent the same bytes. A room's id needs no escape."""
    return b'{"type":"event","room":"%b","offset":%d,"event":%b}' % (room.encode(), offset, data)


def signal(room: str, data: bytes) -> bytes:
    """Wrap the `name`, `user` and `data` that `signalled` encoded."""
    return b'{"type":"signal","room":"%b",%b' % (room.encode(), data[1:])


def signalled(name: str, user: str, data: Any) -> bytes:
    """A signal on its way between servers."""
    return _dump({"name": name, "user": user, "data": data})


def _frame(type: str, id: int | None, **fields: Any) -> bytes:  # noqa: A002
    return _dump({**({} if id is None else {"id": id}), "type": type, **fields})


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
