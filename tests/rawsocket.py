"""A real server around any session, and a client that may break every rule of RFC 6455."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiofastnet
import uvicorn
from fastapi import FastAPI

from fanout.frames import BINARY, CLOSE, TEXT
from fanout.websocket import Accept, Limits, Socket, websocket_protocol

MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}


class Echo:
    """Sends every message back and notes what else it is told."""

    def __init__(self) -> None:
        self.closings: list[tuple[int, str]] = []
        self.gone = asyncio.Event()
        self.full = asyncio.Event()
        self.drained = asyncio.Event()

    def opened(self, socket: Socket) -> None:
        self.socket = socket

    def text(self, message: str) -> None:
        self.socket.send(message.encode())

    def binary(self, message: bytes) -> None:
        self.socket.send_binary(message)

    def paused(self) -> None:
        self.full.set()

    def resumed(self) -> None:
        self.drained.set()

    def stuck(self) -> None:
        self.socket.close(4999, "stuck")

    def closed(self, code: int, reason: str) -> None:
        self.closings.append((code, reason))
        self.gone.set()


@asynccontextmanager
async def serving(accept: Accept, limits: Limits | None = None) -> AsyncIterator[int]:
    """Serve sockets, and HTTP at `/hello`, on the port that is given; shut down in order at the end."""
    aiofastnet.patch_loop()
    app = FastAPI()
    app.add_api_route("/hello", lambda: "hello")
    protocol = websocket_protocol(accept, limits or Limits())
    config = uvicorn.Config(app, port=0, ws=protocol, http="httptools", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def masked(payload: bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0) -> bytes:
    """A client's frame, whether or not it is one that a client may send."""
    first = bytes([final << 7 | reserved << 4 | opcode])
    hidden = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    return first + length(len(payload)) + MASK + hidden


def length(size: int) -> bytes:
    if size < 126:
        return bytes([0x80 | size])
    if size < 65536:
        return b"\xfe" + size.to_bytes(2, "big")
    return b"\xff" + size.to_bytes(8, "big")


def fragments(*payloads: bytes, opcode: int = TEXT) -> bytes:
    """One message in as many frames."""
    last = len(payloads) - 1
    return b"".join(
        masked(payload, 0 if index else opcode, final=index == last) for index, payload in enumerate(payloads)
    )


def closing(code: int, reason: bytes = b"") -> bytes:
    return masked(code.to_bytes(2, "big") + reason, CLOSE)


class Peer:
    """The client's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *frames: bytes) -> None:
        for each in frames:
            self.writer.write(each)

    async def receive(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload, of a Close only the code."""
        return await self._frame(await self.reader.readexactly(1))

    async def rest(self) -> list[tuple[int, bytes]]:
        """Every frame until the server ends the connection."""
        frames = []
        while first := await self.reader.read(1):
            frames.append(await self._frame(first))
        return frames

    async def _frame(self, first: bytes) -> tuple[int, bytes]:
        opcode = first[0] & 0x0F
        (size,) = await self.reader.readexactly(1)
        extended = {126: 2, 127: 8}.get(size)
        if extended:
            size = int.from_bytes(await self.reader.readexactly(extended), "big")
        payload = await self.reader.readexactly(size)
        return opcode, payload[:2] if opcode == CLOSE else payload


async def ask(port: int, headers: dict[str, str], method: str = "GET") -> tuple[int, bytes, Peer]:
    """Ask for a WebSocket; give the answer's status and head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = {"Host": "localhost", "Connection": "Upgrade", "Upgrade": "websocket"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} /v1/ws?room=a%20b HTTP/1.1\r\n{head}\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    return int(answer.split()[1]), answer, Peer(reader, writer)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Peer]:
    status, _, peer = await ask(port, HANDSHAKE)
    assert status == 101
    try:
        yield peer
    finally:
        peer.writer.close()


async def talk(port: int, *sent: bytes) -> list[tuple[int, bytes]]:
    """Send everything to an echo and a Close after it; give all that comes back."""
    async with connected(port) as peer:
        peer.send(*sent, closing(1000))
        return await peer.rest()


def closed(code: int) -> tuple[int, bytes]:
    return CLOSE, code.to_bytes(2, "big")


def texts(*payloads: bytes) -> list[tuple[int, bytes]]:
    return [(TEXT, payload) for payload in payloads]


def binaries(*payloads: bytes) -> list[tuple[int, bytes]]:
    return [(BINARY, payload) for payload in payloads]
