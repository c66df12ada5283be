"""What a session and its socket may ask of each other: no I/O."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fanout.closes import Close
from fanout.settings import Settings
from fanout.upgrade import Refusal, Upgrade


@dataclass(frozen=True)
class Limits:
    """What one socket may take."""

    frame: int = 65536
    """Bytes in a message, its fragments joined."""
    write_high: int = 262144
    """Bytes the kernel has not taken, above which a session is paused and its client is not read."""
    ping: float = 25.0
    """Seconds without a byte from the client before it is pinged."""
    pong: float = 10.0
    """Seconds for the answer."""
    close: float = 5.0
    """Seconds for the closing handshake."""
    stall: float = 30.0
    """Seconds in which a client whose session is paused must take something."""
    frames: int = 1000
    """Frames of any kind that a client may send in a second."""
    flood: int = 1008
    """Close code for more than that."""


def limits_of(settings: Settings) -> Limits:
    return Limits(
        frame=settings.frame_limit,
        write_high=settings.write_high,
        ping=settings.ping_seconds,
        pong=settings.pong_seconds,
        stall=settings.stall_seconds,
        frames=settings.frames_per_second if settings.rate_limits == "on" else sys.maxsize,
        flood=Close.TOO_MANY_REQUESTS,
    )


class Socket(Protocol):
    """What a session may do with its connection; nothing is sent once it is closing."""

    @property
    def peer(self) -> str: ...
    @property
    def buffered(self) -> int:
        """Bytes the kernel has not taken."""

    def write(self, frames: bytes, /) -> None:
        """Send framed bytes, one frame or several joined, in a single write.

        This is the transport's own method until the socket is closing: look it up for each write.
        """

    def send(self, payload: bytes) -> None:
        """Send UTF-8 as one text message."""

    def send_binary(self, payload: bytes) -> None: ...
    def ping(self) -> None: ...
    def close(self, code: int, reason: str = "") -> None:
        """Start the closing handshake; the connection is cut if the peer lets it lapse."""

    def abort(self) -> None: ...


class Session(Protocol):
    """One connection's other side; an exception closes its socket with 1011."""

    def opened(self, socket: Socket) -> None: ...
    def text(self, message: str) -> None: ...
    def binary(self, message: bytes) -> None: ...
    def paused(self) -> None:
        """More than `write_high` bytes wait: stop writing.

        Until `resumed`, at a quarter of that, the client is not read.
        """

    def resumed(self) -> None: ...
    def stuck(self) -> None:
        """Paused, and the client took nothing for `stall` seconds: close its socket."""

    def closed(self, code: int, reason: str) -> None:
        """Called once: with the peer's code, our own if it broke the protocol, 1006 without a Close frame."""


Accept = Callable[[Upgrade], Session | Refusal]
