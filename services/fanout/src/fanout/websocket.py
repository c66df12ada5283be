"""WebSockets behind uvicorn, on its port but off its path.

On an upgrade uvicorn makes the class given as `ws=`, hands it the transport
and the request, and is out of the way: from then on the event loop calls the
connection directly.
"""

import asyncio
import logging
from typing import Any, cast

from chassis.wheel import Wheel
from fanout import frames, upgrade
from fanout.frames import CLOSE, PING, PONG, Frame, Frames, Messages, Pace, Violation, frame
from fanout.line import OPEN, OVER, Line
from fanout.sockets import Accept, Limits, Session, Socket
from fanout.upgrade import Refusal, Upgrade

__all__ = ["Accept", "Connection", "Limits", "Refusal", "Session", "Socket", "Upgrade", "websocket_protocol"]

logger = logging.getLogger(__name__)

_READ_BYTES = 65536  # one buffer for all sockets: a read is taken out of it before the next one starts
_TICK = 0.25  # seconds; pings and deadlines may be later by two of them


class Connection(Line):
    """One upgraded connection: uvicorn's `ws=` protocol, and the receiving half."""

    __slots__ = ("__weakref__", "_frames", "_messages", "_pace")

    _accept: Accept
    _buffer: memoryview

    def __init__(self, server_state: Any, **_: Any) -> None:
        super().__init__(server_state.connections)

    def data_received(self, request: bytes) -> None:
        """Answer the upgrade request; later bytes come by `buffer_updated`."""
        self._take_over()
        wish = upgrade.read(request, self.peer)
        outcome = upgrade.fault(request, wish) or self._ask(wish)
        if isinstance(outcome, Refusal):
            self._state = OVER
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
        self._pace = Pace(self._limits.frames)
        self._session = session
        self._transport.set_write_buffer_limits(high=self._limits.write_high)
        self._wheel.wait(self, self._limits.ping)
        self._tell(session.opened, self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = self._wheel.now
        if self._state == OVER:
            return
        second = int(self._wheel.seconds)
        try:
            for each in self._frames.receive(bytes(self._buffer[:nbytes])):
                if not self._pace.allows(second):
                    self._fail(self._limits.flood, "frames come faster than they may")
                    return
                self._take(each)
                if self._state == OVER:
                    return
        except Violation as violation:
            self._fail(violation.code, violation.reason)

    def _take(self, part: Frame) -> None:
        if part.opcode == CLOSE:
            self._answer_close(part.payload)
        elif part.opcode == PING:
            if self.buffered <= self._limits.write_high:
                self.write(frame(part.payload, PONG))
        elif part.opcode != PONG:
            message = self._messages.join(part)
            if message is not None and self._session is not None and self._state == OPEN:
                self._deliver(self._session, message)

    def _deliver(self, session: Session, message: str | bytes) -> None:
        if isinstance(message, str):
            self._tell(session.text, message)
        else:
            self._tell(session.binary, message)

    def _answer_close(self, payload: bytes) -> None:
        code, reason = frames.close_reason(payload)
        if self._state == OPEN:
            self._say_close(code)
        self._end(code, reason)


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
