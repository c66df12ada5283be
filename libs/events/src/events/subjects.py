"""Every NATS subject of Parley, spelled here and nowhere else.

In a subject a room is one token, so what NATS gives a meaning to is percent-encoded.
"""

from typing import Final
from urllib.parse import unquote

STREAM: Final = "EVENTS"
"""The JetStream stream of all durable events."""

EVENTS: Final = "events.>"
"""What the stream stores: `events.<app>.<room>.<type>`."""

LIVE_PREFIX: Final = "live."
"""Set before a subject by the stream's own republish, once the event is persisted."""

REPLAY: Final = "comments.replay"
"""Request-reply, a queue group an app: a page of a room's log."""

_ENCODED = str.maketrans({char: f"%{ord(char):02X}" for char in ".*>% \x7f" + "".join(map(chr, range(32)))})
"""Control characters too: a line break would end the command in NATS' own protocol."""


def token(room: str) -> str:
    """The room as one subject token; `room_of` reads it back."""
    return room.translate(_ENCODED)


def room_of(token: str) -> str:
    """The room that a subject token stands for."""
    return unquote(token)


def event(app: str, room: str, type: str) -> str:  # noqa: A002  the event's own word
    """Where an event of the room is published; the type keeps its dot, so it is two tokens."""
    return f"events.{app}.{token(room)}.{type}"


def events(app: str) -> str:
    """Where all events of an app are published."""
    return f"events.{app}.>"


def events_of(app: str, room: str) -> str:
    """Where a room's events of every type are published."""
    return f"events.{app}.{token(room)}.>"


def live(app: str, room: str) -> str:
    """Where a room's events of every type are heard once they are persisted."""
    return f"{LIVE_PREFIX}{events_of(app, room)}"


def signal(app: str, room: str, name: str) -> str:
    """Where an ephemeral signal (typing, a client event) is published and heard; never stored."""
    return f"signals.{app}.{token(room)}.{token(name)}"


def signals(app: str, room: str) -> str:
    """Where all of a room's signals are heard."""
    return f"signals.{app}.{token(room)}.*"


def wake(partition: int | str) -> str:
    """Where the owner of an outbox partition hears that another process committed to it."""
    return f"comments.wake.{partition}"


def wakes() -> str:
    return "comments.wake.*"


def restored(app: str) -> str:
    """Where services hear that an older log was put back: what they know of rooms may be of another epoch."""
    return f"comments.restored.{app}"


def parts(subject: str) -> tuple[str, str, str]:
    """App, room and type (or signal name) of an `events.`, `live.events.` or `signals.` subject.

    Raise `ValueError` for any other subject.
    """
    kind, *rest = subject.removeprefix(LIVE_PREFIX).split(".", 3)
    if kind not in {"events", "signals"} or len(rest) != 3:
        raise ValueError(f"not a subject of a room: {subject!r}")
    app, room, name = rest
    return app, room_of(room), room_of(name) if kind == "signals" else name
