"""HTTP/1.1 of a fake push service: requests in, the steps of its script out."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from pushservice import Answer, Cut, GoAway, Reset, Silence, Step


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    fields: Mapping[str, str]
    """Lower case names."""
    body: bytes


Answering = Callable[[Request], Step]


class Http1Server:
    """One request after the other on each connection."""

    def __init__(self, answering: Answering) -> None:
        self.connections = 0
        """That were made since the start."""
        self._answering = answering
        self._writers: set[asyncio.StreamWriter] = set()
        self._conversations: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None, port: int = 0) -> AsyncIterator[int]:
        """Yields the port, on 127.0.0.1."""
        self._stopped.clear()
        server = await asyncio.start_server(self._begin, "127.0.0.1", port, ssl=tls)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self._stopped.set()
            self.cut()
            await asyncio.gather(*self._conversations)

    def cut(self) -> None:
        """All connections, in the middle of whatever they do."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped.is_set():  # it was let in before, and has only now agreed on TLS
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        try:
            while await self._answer(await _read(reader), writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        match self._answering(request):
            case Answer() as answer:
                await _write(answer, writer, last=False)
                return True
            case GoAway(taken=True):
                await _write(Answer(201), writer, last=True)
            case Silence():
                await self._stopped.wait()
            case Reset() | Cut() | GoAway():
                writer.transport.abort()
        return False


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _version = first.split(" ")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return Request(method, path, fields, body)


async def _write(answer: Answer, writer: asyncio.StreamWriter, *, last: bool) -> None:
    await asyncio.sleep(answer.delay)
    fields = {"content-length": str(len(answer.body)), **answer.fields}
    if last:
        fields["connection"] = "close"
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{lines}\r\n".encode())
    size = -(-len(answer.body) // max(answer.frames, 1))
    for start in range(0, len(answer.body), size or 1):
        await writer.drain()
        writer.write(answer.body[start : start + size])
    await writer.drain()
