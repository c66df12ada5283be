"""One HTTP/1.1 connection to a push service, one request at a time (RFC 9112)."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import h11

from notifier.wire import MAX_ANSWER, Exchange, Response

IDLE_SECONDS: Final = 4.0
"""After which an unused connection is closed: many servers close theirs after 5, and what is sent meanwhile
is lost without a word (HTTP/2 would say so)."""


class Http1Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed` is called when it may have room again, or will have none any more."""
        self._changed = changed
        self._h11 = h11.Connection(h11.CLIENT)
        self._exchange: Exchange | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._closed = False
        self._idle: asyncio.TimerHandle | None = None
        self.ready = asyncio.Event()
        self.ready.set()

    @property
    def usable(self) -> bool:
        return not self._closed

    @property
    def room(self) -> int:
        return int(self.usable and self._exchange is None)

    @property
    def busy(self) -> bool:
        return self._exchange is not None

    def start(self, exchange: Exchange) -> None:
        self._rest(stop=True)
        self._exchange, self._head, self._body = exchange, None, bytearray()
        request = exchange.request
        fields = {"host": request.authority, **request.fields, "content-length": str(len(request.body))}
        head = h11.Request(method="POST", target=request.target, headers=list(fields.items()))
        sent = [
            self._h11.send(head),
            self._h11.send(h11.Data(request.body)),
            self._h11.send(h11.EndOfMessage()),
        ]
        exchange.handed = True
        self.transport.write(b"".join(part or b"" for part in sent))

    def abandon(self, exchange: Exchange) -> None:
        if self._exchange is exchange:
            self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._rest(stop=True)
            self.transport.abort()
            self._end()
            self._changed()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._rest()

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def eof_received(self) -> None:
        self._receive(b"")

    def connection_lost(self, error: Exception | None) -> None:
        self.close()

    # What the service says

    def _receive(self, data: bytes) -> None:
        if self._exchange is None:  # nothing was asked
            self.close()
            return
        try:
            self._h11.receive_data(data)
            self._read()
        except h11.RemoteProtocolError:
            self.close()

    def _read(self) -> None:
        while True:
            match self._h11.next_event():
                case h11.Response() as head:
                    self._head = head
                case h11.Data(data=data):
                    self._body += data
                    if len(self._body) > MAX_ANSWER:
                        self.close()
                        return
                case h11.EndOfMessage():
                    self._finish()
                    return
                case h11.ConnectionClosed() | h11.PAUSED:
                    self.close()
                    return
                case h11.NEED_DATA:
                    return

    def _finish(self) -> None:
        self._end()
        try:
            self._h11.start_next_cycle()
            self._refuse_more()
        except (h11.LocalProtocolError, h11.RemoteProtocolError):
            self.close()
            return
        self._rest()
        self._changed()

    def _refuse_more(self) -> None:
        """What comes with an answer and after it is not the answer to what is asked next."""
        if self._h11.trailing_data[0]:
            raise h11.RemoteProtocolError("an answer that nobody asked for")

    def _end(self) -> None:
        """A status is an answer, even if the rest of it did not come."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if self._head is None:
            exchange.lose("the connection was lost")
            return
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        exchange.answer(Response(self._head.status_code, fields, bytes(self._body[:MAX_ANSWER])))

    def _rest(self, *, stop: bool = False) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = None if stop else asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)
