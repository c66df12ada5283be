"""What clients of the native protocol are told: frames out. `receiving.py` reads what they ask.

Every frame is one JSON object with a `type`; an answer has the `id` of its request.
"""

import json
from typing import Any, Final

from fanout.requests import Position

NAME: Final = "native"
TYPING: Final = "typing"
"""The signal that has a request of its own."""


def connected(id: int | None, connection: str, user: str, ping: float) -> bytes:  # noqa: A002
    return _frame("connected", id, connection=connection, user=user, ping=ping)


def subscribed(
    id: int,  # noqa: A002
    room: str,
    position: Position,
    *,
    recovered: bool,
    presence: bytes = b"null",
    receipts: bytes = b"null",
) -> bytes:
    """`presence` and `receipts` are JSON."""
    head = _frame(
        "subscribed", id, room=room, epoch=position.epoch, offset=position.offset, recovered=recovered
    )
    return b'%b,"presence":%b,"receipts":%b}' % (head[:-1], presence, receipts)


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


def signal(room: str, body: bytes) -> bytes:
    """Wrap the `name`, `user` and `data` that `signalled` encoded."""
    return _of_room(b"signal", room, body)


def presence(room: str, body: bytes) -> bytes:
    """Wrap a JSON object of who is here, or of who came and went."""
    return _of_room(b"presence", room, body)


def receipts(room: str, body: bytes) -> bytes:
    """Wrap a JSON object of how far members are."""
    return _of_room(b"receipts", room, body)


def present(id: int, room: str, body: bytes) -> bytes:  # noqa: A002
    """The answer to those who asked for users; `body` is a JSON object that is not empty."""
    return b'{"id":%d,%b' % (id, presence(room, body)[1:])


def unread(id: int | None, body: bytes) -> bytes:  # noqa: A002
    """Wrap a JSON object of what the user has not read; without `id` of what of it has changed."""
    return b"%b,%b" % (_frame("unread", id)[:-1], body[1:])


def signalled(name: str, user: str, data: bytes) -> bytes:
    """A signal on its way between servers; `data` is JSON."""
    return b'%b,"data":%b}' % (_dump({"name": name, "user": user})[:-1], data)


def typing(user: str, name: str | None) -> bytes:
    """That a user types, on its way between servers; `name` is for display."""
    return signalled(TYPING, user, _dump({"name": name}))


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


DEGRADED: Final = b'{"type":"degraded"}'
RESTORED: Final = b'{"type":"restored"}'


def _of_room(type: bytes, room: str, body: bytes) -> bytes:  # noqa: A002
    return b'{"type":"%b","room":"%b",%b' % (type, room.encode(), body[1:])


def _frame(type: str, id: int | None, **fields: Any) -> bytes:  # noqa: A002
    return _dump({**({} if id is None else {"id": id}), "type": type, **fields})


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
