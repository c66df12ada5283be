"""What the hub knows of a connection in a room, and what it needs of both sides."""

from dataclasses import dataclass
from typing import Protocol


class Encoding(Protocol):
    """One protocol's frames, ready for the socket."""

    @property
    def name(self) -> str: ...

    def event(self, room: str, epoch: str, offset: int, data: bytes) -> bytes: ...

    def signal(self, room: str, data: bytes) -> bytes: ...

    def presence(self, room: str, body: bytes) -> bytes: ...

    def receipts(self, room: str, body: bytes) -> bytes: ...


class Outlet(Protocol):
    """Where frames are written."""

    @property
    def buffered(self) -> int:
        """Bytes that were not taken yet."""

    def write(self, frames: bytes, /) -> None: ...


class Sink(Protocol):
    """A connection, as its members see it."""

    id: str
    stalled: bool
    """More waits to be taken than may; nothing more is written until it is."""

    @property
    def socket(self) -> Outlet: ...

    def lost(self, room: str) -> None:
        """The room's history is no longer the one that was seen here."""

    def failed(self) -> None:
        """Something that was begun for it broke off unexpectedly."""

    def degraded(self) -> None:
        """Live events have stopped for now."""

    def restored(self) -> None:
        """Live events flow again, and what was missed meanwhile has been given."""

    def retire(self, after: float) -> None:
        """Say that it should go on elsewhere in so many seconds, and close once all is written."""


@dataclass(slots=True, eq=False)
class Member:
    """One connection in one room: live, or catching up after `cursor`."""

    sink: Sink
    encoding: Encoding
    room: str
    cursor: int = 0
    joined: bool = False
    live: bool = False
    replaying: bool = False
    gone: bool = False

    @property
    def takes(self) -> bool:
        """It is here, and may be written to."""
        return not (self.gone or self.sink.stalled)


@dataclass(frozen=True, slots=True)
class Joined:
    """Where a member stands in the room when it joins."""

    epoch: str
    offset: int
    """The room's newest event; if `recovered`, those between are replayed."""
    recovered: bool
    presence: bytes = b"null"
    """Who is here, as JSON; `null` if that is not known now."""
    receipts: bytes = b"null"
    """How far the members are, as JSON."""


@dataclass(slots=True)
class Figures:
    """What the hub has done; read by metrics."""

    members: int = 0
    events: int = 0
    frames: int = 0
    signals: int = 0
    holes: int = 0
    """Times that an event was missing and the log was read."""
    replays: int = 0
    """Members that were given events of the log."""
    shed: int = 0
    """Signals that were not written to a member because it reads too slowly."""
    paused: int = 0
    """Members that fell back from live to replay because they read too slowly."""
