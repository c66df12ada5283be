"""The sending half of a WebSocket: what is written, how slowly it is taken, and how it ends."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from chassis.wheel import Wheel
from fanout import frames
from fanout.frames import BINARY, PING, close_frame, frame
from fanout.sockets import Limits, Session

logger = logging.getLogger(__name__)

OPEN = 0
CLOSING = 1  # our Close frame is sent, the peer's is awaited
OVER = 2  # what still arrives is thrown away

_PING = frame(b"", PING)


class Line(asyncio.BufferedProtocol):
    """A session's `Socket`. Nothing here is a task, a queue or a timer of one socket."""

    __slots__ = (
        "_connections",
        "_heard",
        "_left",
        "_pinged",
        "_session",
        "_state",
        "_transport",
        "slot",
        "write",
    )

    _limits: Limits
    _wheel: Wheel

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections
        self._session: Session | None = None
        self._state = OPEN
        self._heard = self._pinged = self._wheel.now
        self._left: int | None = None  # bytes that waited when a paused client was last looked at
        self.slot = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.write: Callable[[bytes], None] = self._transport.write
        self._connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._state = OVER
        self.write = _discard
        self._wheel.forget(self)
        self._connections.discard(self)
        self._leave(frames.ABNORMAL, "")

    @property
    def peer(self) -> str:
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else ""

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def send(self, payload: bytes) -> None:
        self.write(frame(payload))

    def send_binary(self, payload: bytes) -> None:
        self.write(frame(payload, BINARY))

    def ping(self) -> None:
        self.write(_PING)

    def close(self, code: int, reason: str = "") -> None:
        if self._state == OPEN:
            self._state = CLOSING
            self._say_close(code, reason)

    def abort(self) -> None:
        self._state = OVER
        self._transport.abort()

    def shutdown(self) -> None:
        self.close(frames.GOING_AWAY, "the server is going away")

    def pause_writing(self) -> None:
        self._transport.pause_reading()
        if self._state == OPEN:
            self._left = self.buffered
            self._wheel.wait(self, self._limits.stall)
        if self._session is not None:
            self._tell(self._session.paused)

    def resume_writing(self) -> None:
        self._transport.resume_reading()
        self._left, self._heard = None, self._wheel.now
        if self._state == OPEN:
            self._wheel.wait(self, self._limits.ping)
        if self._session is not None:
            self._tell(self._session.resumed)

    def due(self) -> None:
        """The wheel's call: ping an idle client, cut one that did not answer in time."""
        idle = self._wheel.since(self._heard)
        if self._state != OPEN:
            self.abort()
        elif self._left is not None:
            self._look_at_paused(self._left)
        elif self._heard < self._pinged:
            self.abort()
        elif idle < self._limits.ping:
            self._wheel.wait(self, self._limits.ping - idle)
        else:
            self._pinged = self._wheel.now
            self.ping()
            self._wheel.wait(self, self._limits.pong)

    def _look_at_paused(self, left: int) -> None:
        """A paused client is not read, so what it takes tells whether it lives."""
        self._left = self.buffered
        if self._left < left:
            self._wheel.wait(self, self._limits.stall)
        elif self._session is not None:
            self._tell(self._session.stuck)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:
            logger.exception("a session failed")
            self._fail(frames.INTERNAL_ERROR, "")

    def _fail(self, code: int, reason: str) -> None:
        if self._state == OVER:
            return
        if self._state == OPEN:
            self._say_close(code, reason)
        self._end(code, reason)

    def _say_close(self, code: int, reason: str = "") -> None:
        self.write(close_frame(code, reason))
        self.write = _discard
        self._wheel.wait(self, self._limits.close)

    def _end(self, code: int, reason: str) -> None:
        """Half-close: closing with input unread would reset the connection and lose our Close frame."""
        self._state = OVER
        self._leave(code, reason)
        try:
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()
        except OSError:
            self._transport.abort()

    def _leave(self, code: int, reason: str) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._tell(session.closed, code, reason)


def _discard(payload: bytes) -> None:
    """Stands in for a transport's `write` after our Close frame, which is the last frame sent."""
