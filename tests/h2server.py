"""HTTP/2 of a fake push service: requests in, the steps of its script out, on real streams.

GOAWAY is written as bytes beside `h2`, which would take no further frame after its own.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import cast

from h1server import Answering, Request
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, PingReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame
from pushservice import Answer, Cut, GoAway, Reset, Silence, Step

MAX_STREAMS = 100
"""At once on a connection, unless a test lowers it."""


class Http2Server:
    def __init__(self, answering: Answering, accepted: Callable[[Request], Answer]) -> None:
        """`accepted` is how a request is answered that `GoAway` lets through."""
        self.connections = 0
        """That were made since the start."""
        self.most = 0
        """Requests of one connection that were waiting for an answer at once."""
        self.max_streams = MAX_STREAMS
        self.stopped = False
        self.pings = 0
        """That were heard and answered."""
        self.answering, self.accepted = answering, accepted
        self.open: set[Connection] = set()

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None, port: int = 0) -> AsyncIterator[int]:
        """Yields the port, on 127.0.0.1; `tls` must agree to `h2`."""
        self.stopped = False
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, ssl=tls)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.stopped = True
            server.close()
            self.cut()

    def limit_streams(self, most: int) -> None:
        self.max_streams = most
        for connection in self.open:
            connection.settle()

    def cut(self) -> None:
        """All connections, in the middle of whatever they do."""
        for connection in list(self.open):
            connection.transport.abort()

    def dismiss(self) -> None:
        """GOAWAY on every connection that has nothing to answer, which is then closed."""
        for connection in list(self.open):
            connection.go_away(connection.last)


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, server: Http2Server) -> None:
        self._server = server
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = H2Connection(config)
        self._requests: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._unanswered: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._until: int | None = None
        """The last stream that is answered, once GOAWAY was sent."""
        self.last = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        if self._server.stopped:  # it was let in before, and has only now agreed on TLS
            self.transport.abort()
            return
        self._server.connections += 1
        self._server.open.add(self)
        self._h2.initiate_connection()
        self.settle()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open.discard(self)
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            events = []
            self.transport.close()
        for event in events:
            self._hear(event)
        self._flush()

    def settle(self) -> None:
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._server.max_streams})
        self._flush()

    def go_away(self, last: int) -> None:
        self._until = last
        self.transport.write(GoAwayFrame(0, last_stream_id=last).serialize())
        self._end_if_done()

    def _hear(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=headers) if headers is not None:
                fields = {_text(name): _text(value) for name, value in headers}
                self._requests[stream] = (fields, bytearray())
            case DataReceived(stream_id=int(stream), data=bytes(data), flow_controlled_length=int(size)):
                self._requests[stream][1].extend(data)
                self._h2.acknowledge_received_data(size, stream)
            case StreamReset(stream_id=int(stream)):
                self._requests.pop(stream, None)
                self._done(stream)
            case PingReceived():
                self._server.pings += 1
            case StreamEnded(stream_id=int(stream)) if self._until is None:
                self._ask(stream)

    def _ask(self, stream: int) -> None:
        fields, body = self._requests.pop(stream)
        self._unanswered.add(stream)
        self._server.most = max(self._server.most, len(self._unanswered))
        request = Request(fields[":method"], fields[":path"], fields, bytes(body))
        self._act(stream, self._server.answering(request), request)

    def _act(self, stream: int, step: Step, request: Request) -> None:
        before, self.last = self.last, stream
        match step:
            case Answer():
                self._answer(stream, step)
            case Reset(refused=refused):
                self._h2.reset_stream(
                    stream, ErrorCodes.REFUSED_STREAM if refused else ErrorCodes.INTERNAL_ERROR
                )
                self._done(stream)
            case GoAway(taken=True):
                self.go_away(stream)
                self._answer(stream, self._server.accepted(request))
            case GoAway():
                self._unanswered.discard(stream)
                self.go_away(before)
            case Silence():
                pass
            case Cut():
                self.transport.abort()

    def _answer(self, stream: int, answer: Answer) -> None:
        task = asyncio.ensure_future(self._write(stream, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, stream: int, answer: Answer) -> None:
        await asyncio.sleep(answer.delay)
        fields = [(":status", str(answer.status)), *answer.fields.items()]
        pieces = _pieces(answer)
        try:
            self._h2.send_headers(stream, fields, end_stream=not pieces)
            for number, piece in enumerate(pieces, 1):
                self._flush()
                await asyncio.sleep(0)
                self._h2.send_data(stream, piece, end_stream=number == len(pieces))
        except ProtocolError:
            return  # whoever asked does not want it any more
        self._flush()
        self._done(stream)

    def _done(self, stream: int) -> None:
        self._unanswered.discard(stream)
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._until is not None and not self._unanswered:
            self._flush()
            self.transport.close()

    def _flush(self) -> None:
        self.transport.write(self._h2.data_to_send())


def _pieces(answer: Answer) -> list[bytes]:
    """The body in `frames` parts, the last ones empty if there are more of them than bytes; or none."""
    if not answer.frames:
        return []
    ends = [-(-len(answer.body) * number // answer.frames) for number in range(answer.frames + 1)]
    return [answer.body[start:end] for start, end in pairwise(ends)]


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()
