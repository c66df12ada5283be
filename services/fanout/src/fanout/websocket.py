"""WebSockets behind uvicorn, on its port but off its path.

On an upgrade uvicorn makes the class given as `ws=`, hands it the transport
and the request, and is out of the way: from then on the event loop calls the
connection directly. Nothing here is a task, a queue or a timer of one socket.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from fanout import frames, upgrade
from fanout.frames import BINARY, CLOSE, PING, PONG, Frame, Frames, Messages, Violation, close_frame, frame
from fanout.sockets import Accept, Limits, Session, Socket
from fanout.upgrade import Refusal, Upgrade
from fanout.wheel import Wheel

__all__ = ["Accept", "Connection", "Limits", "Refusal", "Session", "Socket", "Upgrade", "websocket_protocol"]

logger = logging.getLogger(__name__)

_READ_BYTES = 65536  # one buffer for all sockets: a read is taken out of it before the next one starts
_PING = frame(b"", PING)
_TICK = 0.25  # seconds; pings and deadlines may be later by two of them

_OPEN = 0
_CLOSING = 1  # our Close frame is sent, the peer's is awaited
_OVER = 2  # what still arrives is thrown away


class Connection(asyncio.BufferedProtocol):
    """One upgraded connection: uvicorn's `ws=` protocol and a session's `Socket`."""

    __slots__ = (
        "__weakref__",
        "_connections",
        "_frames",
        "_heard",
        "_messages",
        "_pinged",
        "_session",
        "_state",
        "_transport",
        "slot",
        "write",
    )

    _accept: Accept
    _limits: Limits
    _wheel: Wheel
    _buffer: memoryview

    def __init__(self, server_state: Any, **_: Any) -> None:
        self._connections: set[Any] = server_state.connections
        self._session: Session | None = None
        self._state = _OPEN
        self._heard = self._pinged = self._wheel.now
        self.slot = 0

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
        if self._state == _OPEN:
            self._state = _CLOSING
            self._say_close(code, reason)

    def abort(self) -> None:
        self._state = _OVER
        self._transport.abort()

    def shutdown(self) -> None:
        self.close(frames.GOING_AWAY, "the server is going away")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.write: Callable[[bytes], None] = self._transport.write
        self._connections.add(self)

    def data_received(self, request: bytes) -> None:
        """Answer the upgrade request; later bytes come by `buffer_updated`."""
        self._take_over()
        wish = upgrade.read(request, self.peer)
        outcome = upgrade.fault(request, wish) or self._ask(wish)
        if isinstance(outcome, Refusal):
            self._state = _OVER
            self._transport.write(upgrade.answer(outcome))
            self._transport.close()
        else:
            self._transport.write(upgrade.switching(wish))
            self._open(outcome)

    def _take_over(self) -> None:
        """Let go of the HTTP protocol: told that its connection is lost, it breaks its reference cycles."""
        http = self._transport.get_protocol()
        self._transport.set_protocol(self)
        if http is not None:
            cast("asyncio.Protocol", http).connection_lost(ConnectionResetError("upgraded"))

    def _ask(self, wish: Upgrade) -> Session | Refusal:
        try:
            return self._accept(wish)
        except Exception:
            logger.exception("an upgrade failed")
            return upgrade.refuse(500, "internal_error", "The server failed.")

    def _open(self, session: Session) -> None:
        self._frames, self._messages = Frames(self._limits.frame), Messages(self._limits.frame)
        self._session = session
        self._transport.set_write_buffer_limits(high=self._limits.write_high)
        self._wheel.wait(self, self._limits.ping)
        self._tell(session.opened, self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = self._wheel.now
        if self._state == _OVER:
            return
        try:
            for each in self._frames.receive(bytes(self._buffer[:nbytes])):
                self._take(each)
                if self._state == _OVER:
                    return
        except Violation as violation:
            self._fail(violation.code, violation.reason)

    def pause_writing(self) -> None:
        self._transport.pause_reading()
        if self._session is not None:
            self._tell(self._session.paused)

    def resume_writing(self) -> None:
        self._transport.resume_reading()
        if self._session is not None:
            self._tell(self._session.resumed)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._state = _OVER
        self.write = _discard
        self._wheel.forget(self)
        self._connections.discard(self)
        self._leave(frames.ABNORMAL, "")

    def due(self) -> None:
        """The wheel's call: ping an idle client, cut one that did not answer in time."""
        idle = self._wheel.since(self._heard)
        if self._state != _OPEN or self._heard < self._pinged:
            self.abort()
        elif idle < self._limits.ping:
            self._wheel.wait(self, self._limits.ping - idle)
        else:
            self._pinged = self._wheel.now
            self.ping()
            self._wheel.wait(self, self._limits.pong)

    def _take(self, part: Frame) -> None:
        if part.opcode == CLOSE:
            self._answer_close(part.payload)
        elif part.opcode == PING:
            if self.buffered <= self._limits.write_high:
                self.write(frame(part.payload, PONG))
        elif part.opcode != PONG:
            message = self._messages.join(part)
            if message is not None and self._session is not None and self._state == _OPEN:
                self._deliver(self._session, message)

    def _deliver(self, session: Session, message: str | bytes) -> None:
        if isinstance(message, str):
            self._tell(session.text, message)
        else:
            self._tell(session.binary, message)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:
            logger.exception("a session failed")
            self._fail(frames.INTERNAL_ERROR, "")

    def _answer_close(self, payload: bytes) -> None:
        code, reason = frames.close_reason(payload)
        if self._state == _OPEN:
            self._say_close(code)
        self._end(code, reason)

    def _fail(self, code: int, reason: str) -> None:
        if self._state == _OVER:
            return
        if self._state == _OPEN:
            self._say_close(code, reason)
        self._end(code, reason)

    def _say_close(self, code: int, reason: str = "") -> None:
        self.write(close_frame(code, reason))
        self.write = _discard
        self._wheel.wait(self, self._limits.close)

    def _end(self, code: int, reason: str) -> None:
        """Half-close: closing with input unread would reset the connection and lose our Close frame."""
        self._state = _OVER
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


def websocket_protocol(accept: Accept, limits: Limits) -> type[Any]:
    """Make a `Connection` class for uvicorn's `ws=`; its sockets share a timer and a read buffer."""
    shortest = min(limits.ping, limits.pong, limits.close)
    shared: dict[str, Any] = {
        "__slots__": (),
        "_accept": staticmethod(accept),
        "_limits": limits,
        "_wheel": Wheel(min(_TICK, shortest / 4)),
        "_buffer": memoryview(bytearray(_READ_BYTES)),
    }
    return type("Accepted", (Connection,), shared)


def _discard(payload: bytes) -> None:
    """Stands in for a transport's `write` after our Close frame, which is the last frame sent."""
