"""uvicorn's HTTP protocol, with an end to all that a client can keep it waiting for.

llhttp accepts a head without end, and uvicorn waits for ever for a head, for a body, and for somebody to read
its answer. Here one wheel turns for all connections: a request that comes in one piece never touches it. What
the kernel has taken is the kernel's to wait for, and it is told for how long.
"""

import asyncio
import json
import math
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chassis.problems import MEDIA_TYPE, details
from chassis.wheel import Wheel

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers together; browsers and proxies stop at 8 to 32 KB."""
MAX_FIELDS = 200
"""Headers; browsers send some 20. Each takes 250 bytes of memory, however short it is."""

_TRAILERS: Final = deque[tuple[bytes, bytes]](maxlen=0)
"""Where fields after a body go: they are no headers (RFC 9110, section 6.5.1), and without number."""
_IDLE: Final = 0  # between an answer and the next request
_HEAD: Final = 1
_BODY: Final = 2
_ANSWER: Final = 3  # the request is here: the client waits for us
_TICK = 0.5  # seconds; deadlines may be later by two of them


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many seconds one process waits for a client, and for how many of them."""

    head: float = 10
    """From the connection, or a head's first byte, to the head's end."""
    body: float = 30
    """From a head's end to its body's."""
    stall: float = 30
    """In which somebody who is sent more than fits into buffers must have taken some of it."""
    idle: float = 65
    """For the next request; longer than the 60 of most load balancers, so that they close first."""
    connections: int = 5_000
    """That are waited for, for whichever of these; beyond, the one is cut that has been for longest."""


class Port:
    """What the connections of one server share."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.wheel = Wheel(min(_TICK, patience.head / 4, patience.body / 4, patience.stall / 4))
        self.limits = {_IDLE: patience.idle, _HEAD: patience.head, _BODY: patience.body}
        self._waiting: dict[BoundedHttp, None] = {}
        """In the order in which it began."""

    def wait_for(self, connection: "BoundedHttp") -> None:
        self._waiting[connection] = None
        if len(self._waiting) > self.patience.connections:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.transport.abort()

    def has_come(self, connection: "BoundedHttp") -> None:
        self._waiting.pop(connection, None)


class BoundedHttp(HttpToolsProtocol):
    _port: Port
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # uvicorn forgets the first request

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.slot = 0
        self._arrived = 0  # bytes of the last read that may belong to a head
        self._size = 0  # bytes of the head before it
        self._unsent = 0  # bytes that waited to be taken when the wheel last came by
        self._answered: RequestResponseCycle | None = None
        self._enter(_HEAD)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        give_up_after(transport, self._port.patience.stall)
        self._file(self._port.patience.head)
        self._port.wait_for(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._port.has_come(self)
        self._port.wheel.forget(self)
        super().connection_lost(exc)
        if self._answered is not None:  # uvicorn tells only the last request, which may wait behind this one
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        """From here on it is not HTTP, and none of our business."""
        self._port.has_come(self)
        self._port.wheel.forget(self)
        give_up_after(self.transport, 0)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._arrived = len(data)
        super().data_received(data)
        if self._phase == _ANSWER or self.transport.is_closing():
            return
        if self._phase == _HEAD:
            self._size += self._arrived
            if self._size > MAX_HEAD or len(self.headers or ()) > MAX_FIELDS:
                self._refuse(431, "head_too_large", f"At most {MAX_FIELDS} fields and {MAX_HEAD} bytes.")
                return
        if not self._filed:
            self._file(self._port.limits[self._phase])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0
        self._enter(_HEAD)

    def on_headers_complete(self) -> None:
        self._enter(_BODY)
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self.headers = cast("list[tuple[bytes, bytes]]", _TRAILERS)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._arrived = 0
        if self.cycle is not None and self.cycle.response_complete:
            self._rest()
        else:
            self._enter(_ANSWER)
            self._port.has_come(self)

    def on_response_complete(self) -> None:
        """uvicorn's own, without its timer for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._phase == _ANSWER:
            self._rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._file(self._port.patience.stall)
        self._port.wait_for(self)

    def resume_writing(self) -> None:
        self._unsent = 0
        if self._phase == _ANSWER:
            self._port.has_come(self)
        super().resume_writing()

    def due(self) -> None:
        """The wheel's call: end what has lasted too long, or come back when it will have."""
        port = self._port
        if self._is_stuck():
            self.transport.abort()
        elif self._phase == _ANSWER or self.transport.is_closing():
            self._file(port.patience.stall)
        elif self._waits_for_us():
            self._enter(self._phase)
            self._file(port.limits[self._phase])
        elif (left := port.limits[self._phase] - port.wheel.since(self._since)) > 0:
            self._file(min(left, port.patience.stall) if self._unsent else left)
        else:
            self._expire()
            self._file(port.patience.stall)

    def _unsupported_upgrade_warning(self) -> None:
        """llhttp does not read its body, and takes it for the next request: there must be none."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "bad_request", "The request is not HTTP.")

    def _enter(self, phase: int) -> None:
        self._phase = phase
        self._since = self._port.wheel.now
        self._filed = False

    def _rest(self) -> None:
        self._enter(_IDLE)
        self._port.wait_for(self)

    def _file(self, seconds: float) -> None:
        self._filed = True
        self._port.wheel.wait(self, seconds)

    def _is_stuck(self) -> bool:
        """Nobody writes while writing is paused or it closes: what does not shrink then is not read."""
        before, self._unsent = self._unsent, 0
        if self.flow.write_paused or self.transport.is_closing():
            self._unsent = self.transport.get_write_buffer_size()
        return 0 < before <= self._unsent

    def _waits_for_us(self) -> bool:
        """We do not read, or what arrives now belongs to a request behind one that we have not answered."""
        answered = self.cycle is None or self.cycle.response_complete
        return self.flow.read_paused or bool(self.pipeline) or (self._phase == _HEAD and not answered)

    def _expire(self) -> None:
        """Say so to who has begun a request; who never did gets no answer to what they did not ask."""
        if self._phase == _IDLE or (self._phase == _HEAD and not self._size):
            self.transport.close()
        elif self._phase == _BODY and self.cycle is not None and self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(408, "too_slow", "The request did not come in time.")

    def _refuse(self, status: int, code: str, title: str) -> None:
        body = json.dumps(details(status, code, title))
        fields = {"content-type": MEDIA_TYPE, "content-length": len(body), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n{body}".encode())
        self.transport.close()


def give_up_after(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Let Linux end it when the client confirms, or takes, nothing for so long; 0: when it likes."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = math.ceil(min(seconds * 1000, 2**31 - 1))  # an int of C
        with suppress(OSError):  # of a Unix socket, or of a connection that has just ended
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds
            )


def http_protocol(patience: Patience) -> type[BoundedHttp]:
    """Make the class for uvicorn's `http=`; its connections share a wheel and a bound."""
    return type("Bounded", (BoundedHttp,), {"_port": Port(patience)})
