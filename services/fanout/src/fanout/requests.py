"""What clients of the native protocol can ask for."""

from dataclasses import dataclass

from events.presence import Activity


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a client has seen a room."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Connect:
    id: int
    token: str
    device: str | None = None
    """The client's own name of the device."""


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
class Typing:
    id: int
    room: str


@dataclass(frozen=True, slots=True)
class Signal:
    id: int
    room: str
    name: str
    data: bytes
    """As JSON."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Everything in the room up to these offsets was delivered, and read."""

    id: int
    room: str
    delivered: int
    read: int
    """0: nothing is said about it."""


@dataclass(frozen=True, slots=True)
class AskPresence:
    id: int
    room: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetActivity:
    id: int
    activity: Activity


@dataclass(frozen=True, slots=True)
class WatchUnread:
    id: int


Request = (
    Connect
    | Refresh
    | Subscribe
    | Unsubscribe
    | Typing
    | Signal
    | Acknowledge
    | AskPresence
    | SetActivity
    | WatchUnread
)
