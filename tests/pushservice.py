"""What the fakes of push services have in common: they speak the real protocol over real connections.

`fakeapns.py`, `fakefcm.py` and `fakewebpush.py` implement `PushService`; a script says how the next pushes
are answered, and everything after it is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from notifier.sender import Sender


@dataclass(frozen=True, slots=True)
class Answer:
    """In the service's own words: status, fields and body as that service would send them."""

    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    frames: int = 1
    """DATA frames (or writes, on HTTP/1.1) over which the body is spread; an empty body may have one."""
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Reset:
    """RST_STREAM instead of an answer; on HTTP/1.1 the connection is cut."""

    refused: bool = False
    """REFUSED_STREAM: it was surely not processed (RFC 9113, section 8.7)."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """The connection ends gracefully: this push is answered, later ones need another connection."""

    taken: bool = True
    """False: this push is above the last stream that was processed."""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer ever; the connection stays open."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed under everything that is in flight on it."""


Step = Answer | Reset | GoAway | Silence | Cut


@dataclass(frozen=True, slots=True)
class Arrival:
    """A push that the service read, whatever it answered."""

    id: str
    """`apns-id`, or that of the payload."""
    address: str
    """Device token, or subscription endpoint."""
    payload: Mapping[str, Any]
    """Decrypted, decoded."""
    fields: Mapping[str, str]
    """Of the request, lower case."""
    taken: bool
    """It was answered as delivered, or would have been."""


class PushService(Protocol):
    arrivals: list[Arrival]
    faults: list[str]
    """Rules of the protocol that a sender broke."""

    @property
    def connections(self) -> int:
        """That were made since the start."""
        ...

    async def start(self) -> None:
        """Take connections again, on the same port."""
        ...

    async def stop(self) -> None:
        """Close the port, and cut all connections."""
        ...

    def script(self, *steps: Step) -> None:
        """How the next pushes are answered, one each, in order of arrival."""
        ...

    def refusals(self) -> Mapping[str, Answer]:
        """Its own spelling of: gone, gone_since, bad_request, forbidden, unregistered, too_large, too_many,
        broken (500), unavailable (503, empty body), expired (credentials). What it has not is left out.
        """
        ...

    def limit_streams(self, most: int) -> None:
        """SETTINGS_MAX_CONCURRENT_STREAMS from now on, on open connections too; HTTP/1.1 ignores it."""
        ...

    def sender(self, *, deadline: float) -> Sender:
        """A new one that sends here, with valid credentials."""
        ...

    def devices(self, count: int) -> Sequence[Any]:
        """`notifier.model.Device`s that this service knows."""
        ...
