"""A TCP proxy that misbehaves when it is told to: it stands between two parts, and breaks what they say."""

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

CHUNK = 65_536
"""Bytes read at once."""

DIAL = 2.0
"""Seconds for a connection to one upstream; a paused process still accepts, for its kernel does."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, with no time: what is unsent is dropped, and the peer gets an RST (socket(7))."""


@dataclass
class Way:
    """One direction through the proxy."""

    delay: float = 0.0
    """Seconds that each piece waits."""
    rate: float = float("inf")
    """Bytes per second of each connection."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Not set, nothing passes: what was sent arrives when it is set again, as TCP would repeat it."""

    def __post_init__(self) -> None:
        self.open.set()

    async def pass_(self, size: int) -> None:
        await self.open.wait()
        if pause := self.delay + size / self.rate:
            await asyncio.sleep(pause)
            await self.open.wait()

    def heal(self) -> None:
        self.delay, self.rate = 0.0, float("inf")
        self.open.set()


class Link:
    """One connection through the proxy."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers

    def cut(self, *, reset: bool) -> None:
        for writer in self._writers:
            if not reset:
                writer.close()
            elif not writer.is_closing():
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()


class Proxy:
    """Listens on a port of 127.0.0.1, and hands each connection to the next upstream that takes it."""

    def __init__(self, name: str, upstreams: Sequence[int], port: int) -> None:
        self.name = name
        self.port = port
        self.there = Way()
        """To the upstream."""
        self.back = Way()
        self._upstreams = itertools.cycle(upstreams)
        self._count = len(upstreams)
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._links)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Faults

    def cut(self, *, reset: bool) -> None:
        """End every connection: by RST, or in order by FIN."""
        for link in list(self._links):
            link.cut(reset=reset)

    @contextmanager
    def blackhole(self, *ways: Way) -> Iterator[None]:
        """Connections are accepted, and nothing passes in these directions."""
        for way in ways:
            way.open.clear()
        try:
            yield
        finally:
            self.heal()

    @contextmanager
    def slow(self, *ways: Way, delay: float, rate: float) -> Iterator[None]:
        """Seconds for each piece, and bytes per second."""
        for way in ways:
            way.delay, way.rate = delay, rate
        try:
            yield
        finally:
            self.heal()

    def heal(self) -> None:
        self.there.heal()
        self.back.heal()

    # Passing on

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if (dialled := await self._dial()) is not None:
                await self._relay(reader, writer, *dialled)
        finally:
            await _abort(writer)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in itertools.islice(self._upstreams, self._count):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(DIAL):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        onward: asyncio.StreamWriter,
    ) -> None:
        link = Link(writer, onward)
        self._links.add(link)
        try:
            await asyncio.gather(
                _pump(reader, onward, self.there, link), _pump(answers, writer, self.back, link)
            )
        finally:
            self._links.discard(link)
            await _abort(onward)


async def _abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way, link: Link) -> None:
    """Pass everything on, the end included; a connection that breaks on one side breaks on the other."""
    try:
        while piece := await reader.read(CHUNK):
            await way.pass_(len(piece))
            if writer.is_closing():
                return
            writer.write(piece)
            await writer.drain()
        await way.open.wait()
        if not writer.is_closing():
            writer.write_eof()
    except OSError:
        link.cut(reset=True)
