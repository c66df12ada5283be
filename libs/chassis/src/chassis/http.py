"""uvicorn's HTTP protocol, with an end to how long and how large a request's head may be.

llhttp itself accepts a head without end, and uvicorn waits for one for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers together; browsers and proxies stop at 8 to 32 KB."""
HEAD_SECONDS = 30
"""From the connection, or a head's first byte, to the head's end."""
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
"""RFC 6585, section 5."""


class BoundedHead(HttpToolsProtocol):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._size = 0
        self._ends = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._close_at(self.loop.time() + HEAD_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._size = 0
        self._ends = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._size += len(data)
        if self._size > MAX_HEAD:
            self.transport.write(TOO_LARGE)
            self.transport.close()
        else:
            self._close_at(self._ends)

    def _close_at(self, when: float) -> None:
        """On uvicorn's own timer, which the next byte cancels: an upgraded connection leaves none behind."""
        self.timeout_keep_alive_task = self.loop.call_at(when, self.timeout_keep_alive_handler)
