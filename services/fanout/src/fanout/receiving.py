"""The native protocol's frames from clients: each is a request, or is refused.

Every frame is one JSON object with a `type`; a request carries an integer `id` and gets one answer with it.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from events import ROOM
from events.presence import MAX_ASKED
from fanout.native import TYPING
from fanout.requests import (
    Acknowledge,
    AskPresence,
    Connect,
    Position,
    Refresh,
    Request,
    SetActivity,
    Signal,
    Subscribe,
    Typing,
    Unsubscribe,
    WatchUnread,
)

MAX_ID: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

MAX_EPOCH: Final = 64
"""Characters; ours are shorter."""

MAX_USER: Final = 128
"""Characters of a user's id, as in tokens."""

SIGNAL_NAME: Final = re.compile(r"[A-Za-z0-9_\-:.]{1,64}")
DEVICE: Final = re.compile(r"[ -~]{1,64}")
_ROOM: Final = re.compile(ROOM)


class BadFrame(Exception):
    """The frame is not a JSON object with a type; the connection cannot go on."""


class BadRequest(Exception):
    """The request cannot be understood; its `id`, if it has one, is answered with an error."""

    def __init__(self, id: int | None, message: str) -> None:  # noqa: A002  the protocol's own word
        super().__init__(message)
        self.id = id


def receive(frame: str) -> Request:
    """The request in a frame. Raise `BadFrame` or `BadRequest`."""
    given = _fields(frame)
    id = given.get("id")  # noqa: A001
    if not _is_natural(id):
        raise BadRequest(None, f"id must be an integer from 0 to {MAX_ID}")
    read = _READERS.get(given["type"])
    if read is None:
        raise BadRequest(id, "unknown type of request")
    try:
        return read(id, given)
    except _Invalid as invalid:
        raise BadRequest(id, f"{given['type']}: {invalid}") from invalid


def identify(frame: str) -> int | None:
    """The id of the request in a frame, if it has a valid one. Raise `BadFrame`."""
    id = _fields(frame).get("id")  # noqa: A001
    return id if _is_natural(id) else None


class _Invalid(ValueError):
    """A field is missing or not valid."""


Given = Mapping[str, Any]


def _fields(frame: str) -> dict[str, Any]:
    try:
        given = _decoder.decode(frame)
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise BadFrame("not a JSON object with a type")
    return given


def _connect(id: int, given: Given) -> Connect:  # noqa: A002
    device = given.get("device")
    if device is not None and not (isinstance(device, str) and DEVICE.fullmatch(device)):
        raise _Invalid("device must be 1 to 64 printable ASCII characters")
    return Connect(id, _text(given, "token"), device)


def _signal(id: int, given: Given) -> Signal:  # noqa: A002
    room, name = _room(given), given.get("name")
    if not isinstance(name, str) or not SIGNAL_NAME.fullmatch(name):
        raise _Invalid("name must be 1 to 64 of A-Z a-z 0-9 _ - : .")
    if name == TYPING:
        raise _Invalid("typing has a request of its own")
    try:
        data = json.dumps(given.get("data"), ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise _Invalid("data is nested too deeply") from error
    return Signal(id, room, name, data.encode("utf-8", "replace"))


def _asked(id: int, given: Given) -> AskPresence:  # noqa: A002
    room, users = _room(given), given.get("users")
    if not isinstance(users, list) or len(users) > MAX_ASKED or not all(map(_is_user, users)):
        raise _Invalid(f"users must be at most {MAX_ASKED} ids of users")
    return AskPresence(id, room, tuple(dict.fromkeys(users)))


def _activity(id: int, given: Given) -> SetActivity:  # noqa: A002
    match given.get("activity"):
        case "active":
            return SetActivity(id, "active")
        case "idle":
            return SetActivity(id, "idle")
        case _:
            raise _Invalid('activity must be "active" or "idle"')


def _position(since: object) -> Position | None:
    match since:
        case None:
            return None
        case {"epoch": str(epoch), "offset": offset} if _is_natural(offset) and len(epoch) <= MAX_EPOCH:
            return Position(epoch, offset)
        case _:
            raise _Invalid("since must be an object with epoch and offset, as subscribed gave them")


def _delivered(id: int, given: Given) -> Acknowledge:  # noqa: A002
    return Acknowledge(id, _room(given), _offset(given), 0)


def _read(id: int, given: Given) -> Acknowledge:  # noqa: A002
    return Acknowledge(id, _room(given), _offset(given), _offset(given))


_READERS: Final[Mapping[str, Callable[[int, Given], Request]]] = {
    "connect": _connect,
    "refresh": lambda number, given: Refresh(number, _text(given, "token")),
    "subscribe": lambda number, given: Subscribe(number, _room(given), _position(given.get("since"))),
    "unsubscribe": lambda number, given: Unsubscribe(number, _room(given)),
    "typing": lambda number, given: Typing(number, _room(given)),
    "signal": _signal,
    "delivered": _delivered,
    "read": _read,
    "presence": _asked,
    "activity": _activity,
    "unread": lambda number, _given: WatchUnread(number),
}


def _room(given: Given) -> str:
    room = given.get("room")
    if not isinstance(room, str) or not _ROOM.fullmatch(room):
        raise _Invalid("room must be 1 to 164 of A-Z a-z 0-9 _ - = @ , . ;")
    return room


def _text(given: Given, field: str) -> str:
    text = given.get(field)
    if not isinstance(text, str):
        raise _Invalid(f"{field} must be text")
    return text


def _offset(given: Given) -> int:
    offset = given.get("offset")
    if not _is_natural(offset) or offset == 0:
        raise _Invalid(f"offset must be an integer from 1 to {MAX_ID}")
    return offset


def _is_user(user: object) -> bool:
    return isinstance(user, str) and 1 <= len(user) <= MAX_USER and user.isprintable()


def _is_natural(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_ID


def _finite(number: str) -> float:
    """Raise `ValueError` for what JSON does not have, or cannot be written as JSON again: NaN, 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"not a JSON number: {number}")
    return value


_decoder: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
