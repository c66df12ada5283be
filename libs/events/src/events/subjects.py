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

RECEIPTS_STREAM: Final = "RECEIPTS"
"""The JetStream stream of what members have been delivered and have read; kept for a short time."""

RECEIPTS: Final = "receipts.*.*"
"""What that stream stores: `receipts.<app>.<room>`."""

WATERMARKS: Final = "comments.receipts"
"""Request-reply, a queue group an app: how far the members of a room are."""

UNREAD: Final = "comments.unread"
"""Request-reply, a queue group an app: what users have not read."""

PRESENCE_BUCKET: Final = "presence"
"""The KV bucket of leases: a key for each connection, which expires unless it is extended."""

LAST_SEEN_BUCKET: Final = "last_seen"
"""The KV bucket of when users were last here."""

PRESENCE_QUERY: Final = "presence.query"
"""Request-reply, a queue group an app: who is in a room."""

_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")

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


def changed(app: str) -> str:
    """Where it is heard which rooms were written to just now, whoever follows them or not."""
    return f"comments.changed.{app}"


def receipts(app: str, room: str) -> str:
    """Where fanout publishes what members of the room acknowledge."""
    return f"receipts.{app}.{token(room)}"


def receipts_of(app: str) -> str:
    return f"receipts.{app}.*"


def watermarks(app: str, room: str) -> str:
    """Where it is heard how far members of the room are now; never stored."""
    return f"watermarks.{app}.{token(room)}"


def watermarks_of(app: str) -> str:
    return f"watermarks.{app}.*"


def presence(app: str, room: str, transition: str) -> str:
    """Where it is heard who `joined` or `left` the room, or is here and `changed` in looks; never stored."""
    return f"presence.{app}.{token(room)}.{transition}"


def presence_of(app: str) -> str:
    return f"presence.{app}.*.*"


def restated(app: str) -> str:
    """Where it is heard that who is here must be asked anew: transitions may have been missed."""
    return f"presence.restated.{app}"


def lease(app: str, user: str, connection: str) -> str:
    """The key of a connection in the bucket `presence`."""
    return f"{app}.{key_token(user)}.{connection}"


def leases(app: str) -> str:
    """Matches every `lease` of an app."""
    return f"{app}.*.*"


def lead(app: str) -> str:
    """The key, in the bucket `presence`, of the one who announces transitions."""
    return f"{app}.lead"


def last_seen(app: str, user: str) -> str:
    """The key of a user in the bucket `last_seen`."""
    return f"{app}.{key_token(user)}"


def bucket(name: str) -> str:
    """The stream that is the bucket (ADR-8 of nats-architecture-and-design)."""
    return f"KV_{name}"


def in_bucket(bucket: str, key: str) -> str:
    """The subject of a key."""
    return f"$KV.{bucket}.{key}"


def key_token(user: str) -> str:
    """A user as one token of a key: what a KV client may not write is `=` and two hex digits a byte."""
    return "".join(
        char if char in _KEY else "".join(f"={byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in user
    )


def user_of(token: str) -> str:
    """The user that a key's token stands for."""
    return unquote(token.replace("=", "%"))


def parts(subject: str) -> tuple[str, str, str]:
    """App, room and type (signal name, transition) of a subject of one room.

    That is `events.…`, `live.events.…`, `signals.…` and `presence.…`.

    Raise `ValueError` for any other subject.
    """
    kind, *rest = subject.removeprefix(LIVE_PREFIX).split(".", 3)
    if kind not in {"events", "signals", "presence"} or len(rest) != 3:
        raise ValueError(f"not a subject of a room: {subject!r}")
    app, room, name = rest
    return app, room_of(room), room_of(name) if kind == "signals" else name
