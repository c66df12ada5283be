"""What a client can keep the HTTP server waiting for, and for how long."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from chassis.http import Patience, http_protocol

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
LARGE = 8 << 20
"""Bytes; more than the kernel's buffers take."""


class App:
    """Answers a body with its length; what else it does, its path says."""

    def __init__(self) -> None:
        self.asked = 0
        self.headers: list[list[bytes]] = []
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        size = 0
        if scope["path"] == "/wait":
            await self.go_on.wait()
        while scope["path"] != "/early":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            size += len(message["body"])
            if not message["more_body"]:
                break
        answer = bytes(LARGE) if scope["path"] == "/large" else b"%d" % size
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        self.headers.append([name for name, _ in scope["headers"]])


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer
        self.send = writer.write

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split()[0])
        return int(head.split()[1]), await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """All that still comes until the server ends the connection."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""

    async def trickle(self) -> None:
        """A byte at a time, for as long as the server takes them."""
        while not self._writer.transport.is_closing():
            self.send(b"x")
            await asyncio.sleep(0.01)

    def close(self) -> None:
        self._writer.close()


class Server:
    def __init__(self, server: uvicorn.Server) -> None:
        self._port = server.servers[0].sockets[0].getsockname()[1]
        self.connections = server.server_state.connections
        self._clients: list[Client] = []

    async def client(self, sent: bytes = b"") -> Client:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._port))
        client = Client(*await asyncio.open_connection(sock=connection, limit=65536))
        client.send(sent)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


@asynccontextmanager
async def serving(app: App, patience: Patience) -> AsyncIterator[Server]:
    config = uvicorn.Config(
        app, port=0, http=http_protocol(patience), lifespan="off", interface="asgi3", log_config=None
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    found = Server(server)
    try:
        yield found
    finally:
        found.close()
        await server.shutdown()


@pytest.fixture
def app() -> App:
    return App()


async def test_a_connection_that_never_asks_is_closed_without_a_word(app: App) -> None:
    async with serving(app, Patience(head=0.1)) as server:
        assert await (await server.client()).rest() == b""
    assert app.asked == 0


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX-Slow: ", POST], ids=["head", "body"])
async def test_a_request_that_does_not_come_in_time_is_refused(begun: bytes, app: App) -> None:
    async with serving(app, Patience(head=0.1, body=0.1)) as server:
        client = await server.client(begun)
        status, body = await client.answer()
        assert (status, json.loads(body)["code"]) == (408, "too_slow")
        assert await client.rest() == b""


async def test_bytes_one_at_a_time_buy_no_time(app: App) -> None:
    async with serving(app, Patience(head=0.1, body=0.1)) as server:
        head = await server.client(b"GET / HTTP/1.1\r\nX-Slow: ")
        body = await server.client(POST.replace(b"10", b"100000"))
        async with asyncio.TaskGroup() as sending:
            for client in (head, body):
                sending.create_task(client.trickle())
                sending.create_task(client.rest())
    assert app.left.is_set()


async def test_line_ends_between_requests_buy_no_time(app: App) -> None:
    async with serving(app, Patience(head=0.1, idle=0.1)) as server:
        client = await server.client(GET)
        assert await client.answer() == (200, b"0")
        client.send(b"\r\n")
        assert await client.rest() == b""


async def test_what_is_sent_after_an_early_answer_is_not_waited_for(app: App) -> None:
    async with serving(app, Patience(body=0.1)) as server:
        client = await server.client(POST.replace(b" / ", b" /early "))
        assert await client.answer() == (200, b"0")
        assert await client.rest() == b""


async def test_a_connection_goes_on_after_an_early_answer(app: App) -> None:
    async with serving(app, Patience()) as server:
        client = await server.client(POST.replace(b" / ", b" /early "))
        assert await client.answer() == (200, b"0")
        client.send(bytes(10) + POST + bytes(10))
        assert await client.answer() == (200, b"10")


@pytest.mark.parametrize("then", [b"", GET], ids=["silent", "asking"])
async def test_one_who_reads_nothing_of_a_long_answer_is_cut(then: bytes, app: App) -> None:
    async with serving(app, Patience(stall=0.1)) as server:
        client = await server.client()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # StreamReader offers no other way
        client.send(GET.replace(b" / ", b" /large ") + then)
        while not server.connections:
            await asyncio.sleep(0)
        while server.connections:
            await asyncio.sleep(0)
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await client.rest()) < LARGE


async def test_one_who_reads_slowly_gets_all_of_it(app: App) -> None:
    async with serving(app, Patience(stall=0.1)) as server:
        client = await server.client(GET.replace(b" / ", b" /large "))
        await client.reader.readuntil(b"\r\n\r\n")
        left = LARGE
        while left:
            left -= len(await client.reader.readexactly(min(left, LARGE // 16)))
            await asyncio.sleep(0.02)
        client.send(GET)
        assert await client.answer() == (200, b"0")


async def test_a_slow_answer_is_not_the_clients_fault(app: App) -> None:
    async with serving(app, Patience(head=0.05, body=0.05, stall=0.05, idle=0.05)) as server:
        whole = await server.client(GET.replace(b" / ", b" /wait "))
        followed = await server.client(GET.replace(b" / ", b" /wait ") + POST + b"half" + b"GET")
        assert await (await server.client()).rest() == b""
        app.go_on.set()
        assert await whole.answer() == (200, b"0")
        assert await followed.answer() == (200, b"0")


async def test_requests_in_any_pieces_are_answered_in_order(app: App) -> None:
    sent = (GET + POST + bytes(10)) * 3
    async with serving(app, Patience()) as server:
        for cut in range(1, len(sent), 7):
            client = await server.client(sent[:cut])
            await asyncio.sleep(0)
            client.send(sent[cut:])
            assert [await client.answer() for _ in range(6)] == [(200, b"0"), (200, b"10")] * 3
            client.close()


async def test_many_short_heads_in_one_piece_are_not_one_long_head(app: App) -> None:
    count = 4000
    async with serving(app, Patience()) as server:
        client = await server.client(GET * count + GET[:-1])
        assert {await client.answer() for _ in range(count)} == {(200, b"0")}


async def test_whoever_has_been_waited_for_longest_makes_room(app: App) -> None:
    async with serving(app, Patience(connections=2)) as server:
        working = [await server.client(GET.replace(b" / ", b" /wait ")) for _ in range(5)]
        idle = await server.client(GET)
        assert await idle.answer() == (200, b"0")
        begun = await server.client(GET[:-1])
        for _ in range(5):
            assert await (await server.client(GET)).answer() == (200, b"0")
        assert [await idle.rest(), await begun.rest()] == [b"", b""]
        app.go_on.set()
        assert [await client.answer() for client in working] == [(200, b"0")] * 5


async def test_one_who_does_not_read_is_waited_for_too(app: App) -> None:
    async with serving(app, Patience(connections=1)) as server:
        client = await server.client()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # StreamReader offers no other way
        client.send(GET.replace(b" / ", b" /large "))
        while not app.asked:
            await asyncio.sleep(0)
        assert await (await server.client(GET)).answer() == (200, b"0")
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await client.rest()) < LARGE


async def test_a_head_of_many_fields_is_refused(app: App) -> None:
    async with serving(app, Patience()) as server:
        client = await server.client(GET[:-2] + b"X:y\r\n" * 201)
        status, body = await client.answer()
        assert (status, json.loads(body)["code"]) == (431, "head_too_large")


async def test_trailers_are_neither_headers_nor_kept(app: App) -> None:
    chunked = GET[:-2].replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
    async with serving(app, Patience()) as server:
        client = await server.client(chunked + b"Authorization: x\r\n" * 1000 + b"\r\n" + GET)
        assert [await client.answer() for _ in range(2)] == [(200, b"2"), (200, b"0")]
    assert app.headers == [[b"host", b"transfer-encoding"], [b"host"]]


async def test_the_body_of_an_upgrade_that_is_not_made_is_no_request(app: App) -> None:
    head = b"POST /wait HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(
        GET
    )
    async with serving(app, Patience()) as server:
        client = await server.client(head)
        while not app.asked:
            await asyncio.sleep(0)
        client.send(GET)
        await (await server.client(GET)).answer()
        app.go_on.set()
        assert await client.answer() == (200, b"0")
        assert await client.rest() == b""
    assert app.asked == 2
