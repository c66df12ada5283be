"""One HTTP/2 connection to a push service, many requests at once (RFC 9113)."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from notifier.goaway import Frames, GoAway
from notifier.streams import Stream, Streams
from notifier.wire import MAX_ANSWER, Exchange, Request

IDLE_SECONDS: Final = 60.0
"""After which an unused connection is closed, or asked whether it is alive, before something between us and
the service forgets it."""
PONG_SECONDS: Final = 10.0
"""After which one that was asked and said nothing is dead."""
MOST: Final = 1_000
"""Requests at once, however many the service allows."""
LAST: Final = 20_001
"""The stream after which a connection is replaced: `h2` keeps something of each that was."""


class Http2Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(
        self,
        changed: Callable[[], None],
        *,
        kept: bool = False,
        idle: float = IDLE_SECONDS,
        pong: float = PONG_SECONDS,
    ) -> None:
        """`changed` is called when it may have room again, or will have none any more.

        Unused for `idle` seconds it is closed; one that is to be `kept`, only if a PING is not answered in
        `pong` seconds.
        """
        self._changed, self._kept, self._idle_seconds, self._pong_seconds = changed, kept, idle, pong
        self._h2 = Streams()
        self._frames = Frames()
        self._streams: dict[int, Stream] = {}
        self._allowed = 0  # nothing is sent before the service has said how much it takes
        self._leaving = False
        self._lost = False
        self._flushing = False
        self._idle: asyncio.TimerHandle | None = None
        self.ready = asyncio.Event()
        """Set once it has room, or never will."""
        logging.getLogger("hpack").setLevel(logging.WARNING)  # its debug lines hold endpoints and credentials

    @property
    def usable(self) -> bool:
        return not self._leaving and not self._lost

    @property
    def room(self) -> int:
        if not self.usable:
            return 0
        return max(self._allowed - max(len(self._streams), self._h2.open_outbound_streams), 0)

    @property
    def busy(self) -> bool:
        return bool(self._streams)

    def start(self, exchange: Exchange) -> None:
        self._rest(stop=True)
        stream = self._h2.get_next_available_stream_id()
        if stream >= LAST:
            self._leaving = True
        self._streams[stream] = Stream(exchange, exchange.request.body)
        try:
            self._ask(stream, exchange.request)
        except ProtocolError as error:
            del self._streams[stream]
            exchange.refuse(f"the connection does not take it: {type(error).__name__}")
            self._leaving = True
            asyncio.get_running_loop().call_soon(self._settle)  # whoever starts it looks at it again, too
        self._flush_soon()

    def abandon(self, exchange: Exchange) -> None:
        """A service that lets one wait is given no more on this connection; it may be dead."""
        for stream, one in list(self._streams.items()):
            if one.exchange is exchange:
                self._reset(stream)
                self._leave()

    def close(self) -> None:
        if not self._lost:
            self._leaving = True
            self._flush()
            self.transport.close()
            self._fail("the connection was closed")

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            for piece in self._frames.feed(data):
                if isinstance(piece, GoAway):
                    self._go_away(piece)
                else:
                    self._hear(self._h2.receive_data(piece))
        except (ProtocolError, ValueError):  # a status that is no number, a frame too large
            self._leaving = True
            self._flush()
            self.transport.abort()
            return
        self._flush()
        self._settle()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self.ready.set()
        self._rest(stop=True)
        self._fail("the connection was lost")
        self._changed()

    # What the service says

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ResponseReceived(stream_id=int(stream), headers=list(headers)):
                    self._begin(stream, dict(cast("list[tuple[str, str]]", headers)))
                case DataReceived(stream_id=int(stream), data=bytes(data), flow_controlled_length=int(size)):
                    self._take(stream, data, size)
                case StreamEnded(stream_id=int(stream)) if stream in self._streams:
                    self._end(stream)
                case StreamReset(stream_id=int(stream)) if stream in self._streams:
                    self._was_reset(self._streams.pop(stream), event)
                case WindowUpdated() | RemoteSettingsChanged():
                    self._go_on()

    def _begin(self, stream: int, fields: dict[str, str]) -> None:
        if stream in self._streams:
            one = self._streams[stream]
            one.status, one.fields = int(fields.get(":status", 0)), fields

    def _take(self, stream: int, data: bytes, size: int) -> None:
        self._h2.acknowledge_received_data(size, stream)
        one = self._streams.get(stream)
        if one is None:
            return
        one.body += data
        if len(one.body) > MAX_ANSWER:
            self._reset(stream)
            one.answer()

    def _end(self, stream: int) -> None:
        """A service may answer before it has read all (RFC 9113, section 8.1): the rest is not sent."""
        one = self._streams[stream]
        if one.unsent:
            self._reset(stream)
        else:
            del self._streams[stream]
        one.answer()

    def _was_reset(self, one: Stream, event: StreamReset) -> None:
        if event.error_code == ErrorCodes.REFUSED_STREAM:
            one.exchange.refuse("the stream was refused")
        else:
            one.end("the stream was reset")

    def _go_away(self, frame: GoAway) -> None:
        """What the service will not process is given back; what it processes is waited for."""
        self._leaving = True
        for stream in [stream for stream in self._streams if stream > frame.last]:
            self._streams.pop(stream).exchange.refuse("the connection is going away")

    # What is sent

    def _ask(self, stream: int, request: Request) -> None:
        head = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": request.authority,
            ":path": request.target,
        }
        length = {"content-length": str(len(request.body))}
        fields = [*head.items(), *request.fields.items(), *length.items()]
        self._h2.send_headers(stream, fields, end_stream=not request.body)
        self._send(stream)

    def _go_on(self) -> None:
        """The service takes more than before, or less."""
        self._allowed = min(self._h2.remote_settings.max_concurrent_streams, MOST)
        self.ready.set()
        for stream in [stream for stream, one in self._streams.items() if one.unsent]:
            self._send(stream)

    def _send(self, stream: int) -> None:
        """As much of the body as the service has room for."""
        one = self._streams[stream]
        while one.unsent and self._is_open(stream):
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                return
            piece, one.unsent = one.unsent[:room], one.unsent[room:]
            self._h2.send_data(stream, piece, end_stream=not one.unsent)
        one.exchange.handed = not one.unsent

    def _reset(self, stream: int) -> None:
        del self._streams[stream]
        if self._is_open(stream):
            self._h2.reset_stream(stream, ErrorCodes.CANCEL)
            self._flush_soon()

    def _is_open(self, stream: int) -> bool:
        """Not reset by what was received with what is being heard: `h2` is ahead of it."""
        return stream in self._h2.streams and not self._h2.streams[stream].closed

    def _flush_soon(self) -> None:
        """What begins in one turn of the loop is one write."""
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if data := self._h2.data_to_send():
            self.transport.write(data)

    # How it ends

    def _leave(self) -> None:
        self._leaving = True
        self._settle()

    def _settle(self) -> None:
        """After a change: close what is left, and begin to wait where nothing is to do."""
        if not self._streams and self._leaving:
            self.close()
        elif not self._streams:
            self._rest()
        self._changed()

    def _rest(self, *, stop: bool = False) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = None if stop else asyncio.get_running_loop().call_later(self._idle_seconds, self._idled)

    def _idled(self) -> None:
        if not self._kept:
            self.close()
            return
        self._h2.ping(bytes(8))
        self._flush()
        self._idle = asyncio.get_running_loop().call_later(self._pong_seconds, self.transport.abort)

    def _fail(self, reason: str) -> None:
        streams, self._streams = self._streams, {}
        for one in streams.values():
            one.end(reason)
