"""Server-sent events (WHATWG HTML, section 9.2) as bytes: no connection.

A line ends with LF alone; what fills it is ASCII, or compact JSON, which has no line breaks.
"""

import json
import re
from typing import Any, Final

from fanout.requests import Position

NAME: Final = "sse"
MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b":\n\n"

POSITION: Final = r"^[!-~]{1,64}:(0|[1-9][0-9]{0,15})$"
"""An event's id: epoch and offset."""
_POSITION: Final = re.compile(POSITION)


def position(id: str) -> Position | None:  # noqa: A002  the field's own name
    """What `id_of` made the id of, or `None` if it made no such id."""
    if not _POSITION.fullmatch(id):
        return None
    epoch, _, offset = id.rpartition(":")
    return Position(epoch, int(offset))


def id_of(position: Position) -> str:
    return f"{position.epoch}:{position.offset}"


class _Encoding:
    """Events have no name, for `onmessage`; what is not in the log has one, and no id."""

    name: Final = NAME

    def event(self, _room: str, epoch: str, offset: int, data: bytes) -> bytes:
        return b"id: %b:%d\ndata: %b\n\n" % (epoch.encode(), offset, data)

    def signal(self, room: str, data: bytes) -> bytes:
        return _of_room(b"signal", room, data)

    def presence(self, room: str, body: bytes) -> bytes:
        return _of_room(b"presence", room, body)

    def receipts(self, room: str, body: bytes) -> bytes:
        return _of_room(b"receipts", room, body)


def _of_room(name: bytes, room: str, body: bytes) -> bytes:
    return b'event: %b\ndata: {"room":"%b",%b\n\n' % (name, room.encode(), body[1:])


ENCODING: Final = _Encoding()


def retry(seconds: float) -> bytes:
    """After how long an EventSource comes back, from now on, when its connection ends."""
    return b"retry: %d\n\n" % _milliseconds(seconds)


def subscribed(
    room: str,
    head: Position,
    *,
    since: Position | None,
    presence: bytes = b"null",
    receipts: bytes = b"null",
) -> bytes:
    """The stream goes on after `since`, if what follows it can be given, else after the room's head.

    `presence` and `receipts` are JSON.
    """
    data = _dump({"room": room, "epoch": head.epoch, "offset": head.offset, "recovered": since is not None})
    said = b'%b,"presence":%b,"receipts":%b}' % (data[:-1], presence, receipts)
    return b"id: %b\nevent: subscribed\ndata: %b\n\n" % (id_of(since or head).encode(), said)


def expiring(seconds: float) -> bytes:
    """`seconds` is for how long the token still lasts."""
    return _named("expiring", {"seconds": round(seconds, 3)})


def closing(code: int, message: str, after: float | None = None) -> bytes:
    """The last event of a stream; an EventSource comes back `after` so many seconds."""
    if after is None:
        return _named("closing", {"code": code, "message": message})
    said = {"code": code, "message": message, "retryAfter": round(after, 3)}
    return b"retry: %d\n%b" % (_milliseconds(after), _named("closing", said))


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _named(name: str, data: dict[str, Any]) -> bytes:
    """An event without data would not be dispatched: there is always an object."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _dump(data))


def _dump(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


DEGRADED: Final = _named("degraded", {})
RESTORED: Final = _named("restored", {})
