"""One address before several processes, as a load balancer gives it."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Self


class Front:
    """Sockets go to the fanouts in turn, and past one that does not listen; everything else to the site."""

    def __init__(self, site: int, fanouts: Sequence[int]) -> None:
        self._site = site
        self._fanouts = fanouts
        self._turns: Iterator[int] = itertools.count()
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(cls, site: int, fanouts: Sequence[int]) -> AsyncIterator[Self]:
        """The arguments are ports of this machine."""
        front = cls(site, fanouts)
        server = await asyncio.start_server(front._accept, "127.0.0.1", 0)
        front.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield front
        server.close()
        for task in front._serving:
            task.cancel()
        await asyncio.gather(*front._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError):  # an end that left
            head = await reader.readuntil(b"\r\n\r\n")
            upstream, to_upstream = await self._dial(head)
            with contextlib.closing(to_upstream):
                # one request a connection: the next may be for somebody else
                to_upstream.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
                await asyncio.gather(_carry(reader, to_upstream), _carry(upstream, writer))

    async def _dial(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not head.startswith(b"GET /v1/ws"):
            return await asyncio.open_connection("127.0.0.1", self._site)
        turn = next(self._turns)
        for place in range(len(self._fanouts)):
            port = self._fanouts[(turn + place) % len(self._fanouts)]
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, then the end of it; half-closed as TCP is."""
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
