"""The native protocol, version 1: what goes over `/v1/ws`, as values. No socket, clock or queue.

Every frame is one JSON object with a `type`; a request carries an `id`, and its answer the same `id`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parley.cursor import Cursor
from parley.errors import ProtocolError
from parley.events import Event


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: int
    room: str
    since: Cursor | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: int
    room: str


@dataclass(frozen=True, slots=True)
class Refresh:
    id: int
    token: str


Request = Subscribe | Unsubscribe | Refresh


@dataclass(frozen=True, slots=True)
class Connected:
    user: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    id: int
    room: str
    head: Cursor
    recovered: bool


@dataclass(frozen=True, slots=True)
class Pushed:
    event: Event


@dataclass(frozen=True, slots=True)
class Failed:
    id: int | None
    room: str | None
    code: str
    message: str
    after: float = 0.0
    """Seconds to wait before asking again, when the server says so."""

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in {"unavailable", "too_many_requests"}


@dataclass(frozen=True, slots=True)
class Closing:
    """The server is about to close the connection, and says when to come back."""

    after: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Health:
    """Live events have stopped reaching the server (`degraded`), or flow again (`restored`)."""

    degraded: bool


@dataclass(frozen=True, slots=True)
class Expiring:
    """The connection's token is about to expire."""


@dataclass(frozen=True, slots=True)
class Other:
    """A frame of no concern here: an answer without content, or a type of a newer server."""

    type: str
    id: int | None = None


Frame = Connected | Subscribed | Pushed | Failed | Closing | Health | Expiring | Other


def encode(request: Request) -> str:
    return json.dumps(_fields(request), separators=(",", ":"), ensure_ascii=False)


def _fields(request: Request) -> dict[str, Any]:
    match request:
        case Subscribe(id, room, since):
            resume = {} if since is None else {"since": {"epoch": since.epoch, "offset": since.offset}}
            return {"id": id, "type": "subscribe", "room": room, **resume}
        case Unsubscribe(id, room):
            return {"id": id, "type": "unsubscribe", "room": room}
        case Refresh(id, token):
            return {"id": id, "type": "refresh", "token": token}


def parse(text: str | bytes) -> Frame:
    """Raise `ProtocolError` for a frame that lacks what its type must have; tolerate anything more."""
    try:
        fields = json.loads(text)
        parse_fields = _PARSERS.get(fields["type"])
        return parse_fields(fields) if parse_fields else Other(fields["type"], _id(fields))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a frame of version 1: {text[:80]!r}") from error


def _connected(fields: dict[str, Any]) -> Connected:
    return Connected(fields["user"])


def _subscribed(fields: dict[str, Any]) -> Subscribed:
    head = Cursor(fields["epoch"], int(fields["offset"]))
    return Subscribed(int(fields["id"]), str(fields["room"]), head, bool(fields["recovered"]))


def _pushed(fields: dict[str, Any]) -> Pushed:
    return Pushed(event(fields["event"]))


def _failed(fields: dict[str, Any]) -> Failed:
    room = fields.get("room")
    message = str(fields.get("message", ""))
    return Failed(_id(fields), room and str(room), str(fields["code"]), message, _after(fields))


def _closing(fields: dict[str, Any]) -> Closing:
    return Closing(_after(fields))


def _id(fields: dict[str, Any]) -> int | None:
    given = fields.get("id")
    return given if isinstance(given, int) else None


def _after(fields: dict[str, Any]) -> float:
    return float(fields.get("retryAfter") or 0)


_PARSERS: dict[str, Callable[[dict[str, Any]], Frame]] = {
    "connected": _connected,
    "subscribed": _subscribed,
    "event": _pushed,
    "error": _failed,
    "closing": _closing,
    "degraded": lambda _: Health(degraded=True),
    "restored": lambda _: Health(degraded=False),
    "expiring": lambda _: Expiring(),
}


def event(fields: dict[str, Any]) -> Event:
    """An event from its wire form. Raise `KeyError` or `ValueError` if it lacks what every event has."""
    data = {name: value for name, value in fields.items() if name not in _ENVELOPE}
    return Event(
        type=fields["type"],
        id=fields["id"],
        room=str(fields["room"]),
        offset=int(fields["offset"]),
        at=datetime.fromisoformat(fields["at"]),
        actor=fields["actor"],
        data=data,
    )


_ENVELOPE = frozenset({"type", "id", "room", "offset", "at", "actor"})


def may_reconnect(code: int) -> bool:
    """Whether to come back after a close with this code (RFC 6455 section 7.4, and ours from 4000 on).

    4000 to 4499 and what happens to any socket (going away, lost, server error, restart): yes, and resume.
    4500 and up, and everything that a repetition would only repeat (a protocol error, a frame too big): no.
    """
    return code in _PASSING or 4000 <= code < 4500


_PASSING = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014})
"""1000 and 1005 too: this side did not ask for it, so a proxy or a drain did."""
