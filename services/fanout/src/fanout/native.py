"""The native protocol, version 1, as a codec: frames in, requests out; events in, frames out.

Every frame is one JSON object with a `type`. A request carries an integer `id` and gets one answer with it.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from events import ROOM

NAME: Final = "native"
MAX_ID: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

MAX_EPOCH: Final = 64
"""Characters; ours are shorter."""

SIGNAL_NAME: Final = re.compile(r"[A-Za-z0-9_\-:.]{1,64}")
_ROOM: Final = re.compile(ROOM)
_KINDS: Final = frozenset({"connect", "refresh", "subscribe", "unsubscribe", "typing", "signal"})


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
class Refresh:
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
    data: bytes
    """As JSON."""


Request = Connect | Refresh | Subscribe | Unsubscribe | Signal


def receive(frame: str) -> Request:
    """The request in a frame. Raise `BadFrame` or `BadRequest`."""
    return _request(_fields(frame))


def identify(frame: str) -> int | None:
    """The id of the request in a frame, if it has a valid one. Raise `BadFrame`."""
    id = _fields(frame).get("id")  # noqa: A001
    return id if _is_natural(id) else None


def _fields(frame: str) -> dict[str, Any]:
    try:
        given = _decoder.decode(frame)
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise BadFrame("not a JSON object with a type")
    return given


def _request(given: dict[str, Any]) -> Request:
    id = given.get("id")  # noqa: A001
    if not _is_natural(id):
        raise BadRequest(None, f"id must be an integer from 0 to {MAX_ID}")
    match given:
        case {"type": "connect", "token": str(token)}:
            return Connect(id, token)
        case {"type": "refresh", "token": str(token)}:
            return Refresh(id, token)
        case {"type": "subscribe", "room": str(room)} if _ROOM.fullmatch(room):
            return Subscribe(id, room, _position(id, given.get("since")))
        case {"type": "unsubscribe", "room": str(room)} if _ROOM.fullmatch(room):
            return Unsubscribe(id, room)
        case {"type": "typing", "room": str(room)} if _ROOM.fullmatch(room):
            return Signal(id, room, "typing", b"null")
        case {"type": "signal", "room": str(room), "name": str(name)} if _ROOM.fullmatch(room):
            if not SIGNAL_NAME.fullmatch(name):
                raise BadRequest(id, "name must be 1 to 64 of A-Z a-z 0-9 _ - : .")
            return Signal(id, room, name, _data(id, given.get("data")))
        case {"type": str(kind)} if kind in _KINDS:
            raise BadRequest(id, f"{kind} lacks a field, or one is not valid: see docs/protocol.md")
        case _:
            raise BadRequest(id, "unknown type of request")


def _position(id: int, since: object) -> Position | None:  # noqa: A002
    match since:
        case None:
            return None
        case {"epoch": str(epoch), "offset": offset} if _is_natural(offset) and len(epoch) <= MAX_EPOCH:
            return Position(epoch, offset)
        case _:
            raise BadRequest(id, "since must be an object with epoch and offset, as subscribed gave them")


def _is_natural(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_ID


def _data(id: int, data: object) -> bytes:  # noqa: A002
    try:
        return _dump(data)
    except RecursionError as error:
        raise BadRequest(id, "data is nested too deeply") from error


def _finite(number: str) -> float:
    """Raise `ValueError` for what JSON does not have, or cannot be written as JSON again: NaN, 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"not a JSON number: {number}")
    return value


_decoder: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


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


def refreshed(id: int, seconds: float) -> bytes:  # noqa: A002
    """`seconds` is for how long the new token lasts."""
    return _frame("refreshed", id, seconds=_rounded(seconds))


def expiring(seconds: float) -> bytes:
    """`seconds` is for how long the token still lasts."""
    return _frame("expiring", None, seconds=_rounded(seconds))


def closing(code: int, message: str, after: float) -> bytes:
    """Said before a Close frame when the server knows in how many seconds to come back."""
    return _frame("closing", None, code=code, message=message, retryAfter=_rounded(after))


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


def signalled(name: str, user: str, data: bytes) -> bytes:
    """A signal on its way between servers; `data` is JSON."""
    return b'%b,"data":%b}' % (_dump({"name": name, "user": user})[:-1], data)


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


DEGRADED: Final = b'{"type":"degraded"}'
RESTORED: Final = b'{"type":"restored"}'


def _frame(type: str, id: int | None, **fields: Any) -> bytes:  # noqa: A002
    return _dump({**({} if id is None else {"id": id}), "type": type, **fields})


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
